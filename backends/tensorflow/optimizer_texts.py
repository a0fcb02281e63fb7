"""Keras' optimizers where they mean something else than the language's: classes of the script.

Each has Keras' own name, derives from Keras' own and replaces its `update_step`; where only weight
decay differs, it has a line before.  Keras' Adadelta, Lion and momentum at a constant rate are the
language's.
"""

from __future__ import annotations

from tercet.codegen.script.pieces import literal
from tercet.compiler.training.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RmsProp,
    Sgd,
)
from tercet.dsl.records import dataclass

KERAS_MOMENTUM_DECAY = 1
"""Keras' Nadam knows no other."""


@dataclass(frozen=True)
class Own:
    """A phrase on what differs, lines of `update_step`, and further methods.

    The lines read `gradient`, which weight decay has joined, `variable` and `learning_rate`.
    """

    summary: str
    update: tuple[str, ...]
    methods: tuple[str, ...] = ()


def own_update(optimizer: Optimizer, varies: bool, *, exact: bool = False) -> Own | None:
    """What stands in place of Keras' `update_step`; `varies`: whether the learning rate changes.

    Keras casts many of its settings by way of float32: an `exact` script has no update of it.
    """
    match optimizer:
        case Sgd(momentum=0) if exact:
            return Own(_ROUNDS, ("variable.assign_sub(learning_rate * gradient)",))
        case Lion() if exact:
            return Own(_ROUNDS, _LION)
        case Adadelta() if exact:
            return Own(_ROUNDS, _ADADELTA)
        case Sgd() if optimizer.momentum and (varies or exact):
            change = "gradient + self.momentum * velocity" if optimizer.nesterov else "velocity"
            change = f"({change})" if optimizer.nesterov else change
            return Own(
                "the velocity is free of the learning rate",
                (
                    "velocity = self.momentums[self._get_variable_index(variable)]",
                    "velocity.assign(self.momentum * velocity + gradient)",
                    f"variable.assign_sub(learning_rate * {change})",
                ),
            )
        case Adam() | AdamW():
            return Own("epsilon is added after the correction of the bias", _ADAM)
        case NAdam() if exact or optimizer.momentum_decay != KERAS_MOMENTUM_DECAY:
            return _nadam(optimizer)
        case RmsProp():
            return _rmsprop(optimizer)
        case Adagrad():
            return Own(
                "epsilon is added outside the root",
                (
                    "square = self._accumulators[self._get_variable_index(variable)]",
                    "square.assign_add(gradient**2)",
                    "root = tf.sqrt(square) + self.epsilon",
                    "variable.assign_sub(learning_rate * gradient / root)",
                ),
            )
    return None


_MOMENTS = (
    "index = self._get_variable_index(variable)",
    "mean, square = self._momentums[index], self._velocities[index]",
    "step = tf.cast(self.iterations + 1, variable.dtype)",
    "mean.assign(self.beta_1 * mean + (1 - self.beta_1) * gradient)",
    "square.assign(self.beta_2 * square + (1 - self.beta_2) * gradient**2)",
    "root = tf.sqrt(square / (1 - self.beta_2**step)) + self.epsilon",
)
_ADAM = (
    *_MOMENTS,
    "rate = learning_rate / (1 - self.beta_1**step)",
    "variable.assign_sub(rate * mean / root)",
)


_ROUNDS = "settings are in full precision"
_LION = (
    "mean = self._momentums[self._get_variable_index(variable)]",
    "direction = tf.sign(self.beta_1 * mean + (1 - self.beta_1) * gradient)",
    "variable.assign_sub(learning_rate * direction)",
    "mean.assign(self.beta_2 * mean + (1 - self.beta_2) * gradient)",
)
_ADADELTA = (
    "index = self._get_variable_index(variable)",
    "square, moved = self._accumulated_grads[index], self._accumulated_delta_vars[index]",
    "square.assign(self.rho * square + (1 - self.rho) * gradient**2)",
    "change = tf.sqrt(moved + self.epsilon) / tf.sqrt(square + self.epsilon) * gradient",
    "moved.assign(self.rho * moved + (1 - self.rho) * change**2)",
    "variable.assign_sub(learning_rate * change)",
)


def _nadam(optimizer: NAdam) -> Own:
    decay = literal(optimizer.momentum_decay)
    return Own(
        f"the momentum changes at the pace of {decay}, Keras' at {KERAS_MOMENTUM_DECAY}",
        (
            *_MOMENTS,
            "now, following = self.momentum(step), self.momentum(step + 1)",
            "product = tf.cast(self._u_product, variable.dtype)",
            "change = following * mean / (1 - product * following)",
            "change += (1 - now) * gradient / (1 - product)",
            "variable.assign_sub(learning_rate * change / root)",
        ),
        (
            "def momentum(self, step):",
            f"    return self.beta_1 * (1 - 0.5 * 0.96 ** ({decay} * step))",
            "",
            "def _backend_update_step(self, grads, trainable_variables, learning_rate):",
            "    step = tf.cast(self.iterations + 1, self._u_product.dtype)",
            "    self._u_product.assign(self._u_product * self.momentum(step))",
            "    beyond = super(keras.optimizers.Nadam, self)",
            "    beyond._backend_update_step(grads, trainable_variables, learning_rate)",
            "",
        ),
    )


def _rmsprop(optimizer: RmsProp) -> Own:
    lines = [
        "index = self._get_variable_index(variable)",
        "square = self._velocities[index]",
        "square.assign(self.rho * square + (1 - self.rho) * gradient**2)",
    ]
    if optimizer.centered:
        lines += [
            "average = self._average_gradients[index]",
            "average.assign(self.rho * average + (1 - self.rho) * gradient)",
        ]
    under = "square - average**2" if optimizer.centered else "square"
    lines.append(f"change = gradient / (tf.sqrt({under}) + self.epsilon)")
    summary = "epsilon is added outside the root"
    if optimizer.momentum:
        summary = "epsilon is added outside the root, the learning rate is not in the momentum"
        lines += [
            "buffer = self._momentums[index]",
            "buffer.assign(self.momentum * buffer + change)",
            "change = buffer",
        ]
    return Own(summary, (*lines, "variable.assign_sub(learning_rate * change)"))
