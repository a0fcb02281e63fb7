"""Optimizers: what each parameter's update means.

`update` is the definition, in NumPy and at the precision of its arguments: the formulas are
PyTorch's, with the settings named in docs/language.md.  Unless said otherwise, weight decay is L2:
`gradient + weight_decay * weight` takes the gradient's place before anything else happens.
Steps count from 1 in the formulas, from 0 in `step`.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar

from tercet.compiler.lazy import np
from tercet.compiler.settings import (
    Setting,
    registrar,
    require,
    require_decay,
    require_not_negative,
    require_positive,
)
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Slots = dict[str, Array]
    State = tuple[Array, Slots]


@dataclass(frozen=True)
class Optimizer(Setting):
    """Base of all optimizers.  The fields are the arguments in the language, in this order."""

    slots: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays kept for each parameter, all of the parameter's shape."""
    decoupled: ClassVar[bool] = False
    """Whether weight decay shrinks the weight directly instead of joining the gradient."""

    lr: float
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_not_negative("lr", self.lr)
        require_not_negative("weight_decay", self.weight_decay)

    def initial(self, weight: Array) -> Slots:
        """The slots before the first step: zeros."""
        return {slot: np.zeros_like(weight) for slot in self.slots}

    def update(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        """The weight and the slots after update number `step` (from 0) at learning rate `lr`.

        `weight`, `gradient` and every slot are floating-point arrays of one shape; new ones are
        given, in the precision of the weight.
        """
        if self.decoupled:
            weight = weight * (1 - lr * self.weight_decay)
        else:
            gradient = gradient + self.weight_decay * weight
        return self._updated(weight, gradient, slots, step, lr)

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        """`update` after weight decay."""
        raise NotImplementedError(type(self).__name__)


OPTIMIZERS: dict[str, type[Optimizer]] = {}
"""Every optimizer by its name in the language."""

optimizer = registrar(OPTIMIZERS)


@optimizer("sgd")
@dataclass(frozen=True)
class Sgd(Optimizer):
    """Gradient descent with momentum: `v = momentum * v + g`, `w = w - lr * v`.

    With `nesterov`, `w = w - lr * (g + momentum * v)`.  The velocity does not contain the learning
    rate, so a change of the rate acts at once.
    """

    lr: float
    momentum: float = 0.0
    nesterov: bool = False

    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative("momentum", self.momentum)
        require(not self.nesterov or self.momentum > 0, "nesterov", "needs a `momentum`")

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        velocity = self.momentum * slots["velocity"] + gradient
        change = gradient + self.momentum * velocity if self.nesterov else velocity
        return weight - lr * change, {"velocity": velocity}


@dataclass(frozen=True)
class _Adam(Optimizer):
    """What `adam` and `adamw` share; they differ in weight decay."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_decay("beta1", self.beta1)
        require_decay("beta2", self.beta2)
        require_positive("eps", self.eps)

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * slots["v"] + (1 - self.beta2) * gradient**2
        m_hat = m / (1 - self.beta1 ** (step + 1))
        v_hat = v / (1 - self.beta2 ** (step + 1))
        return weight - lr * m_hat / (np.sqrt(v_hat) + self.eps), {"m": m, "v": v}


@optimizer("adam")
@dataclass(frozen=True)
class Adam(_Adam):
    """Kingma and Ba, 2015: `w = w - lr * m^ / (sqrt(v^) + eps)`, moments bias-corrected.

    `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`,
    `m^ = m / (1 - beta1^t)`, `v^ = v / (1 - beta2^t)`.
    """


@optimizer("adamw")
@dataclass(frozen=True)
class AdamW(_Adam):
    """Loshchilov and Hutter, 2019: `adam` after `w = w * (1 - lr * weight_decay)`."""

    decoupled: ClassVar[bool] = True

    weight_decay: float = field(default=0.01, kw_only=True)


@optimizer("nadam")
@dataclass(frozen=True)
class NAdam(Optimizer):
    """Dozat, 2016: `adam` with Nesterov's momentum and a schedule of its own for it.

    `mu_t = beta1 * (1 - 0.5 * 0.96^(t * momentum_decay))`, `P_t = mu_1 * … * mu_t`;
    `m^ = mu_(t+1) * m / (1 - P_(t+1)) + (1 - mu_t) * g / (1 - P_t)`, the rest as in `adam`.
    """

    lr: float = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 4e-3

    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_decay("beta1", self.beta1)
        require_decay("beta2", self.beta2)
        require_positive("eps", self.eps)
        require_not_negative("momentum_decay", self.momentum_decay)

    def _momentum(self, t: int) -> float:
        return self.beta1 * (1 - 0.5 * float(0.96 ** (t * self.momentum_decay)))

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        t = step + 1
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * slots["v"] + (1 - self.beta2) * gradient**2
        product = float(np.prod([self._momentum(i) for i in range(1, t + 1)]))
        following = self._momentum(t + 1)
        m_hat = following * m / (1 - product * following)
        m_hat = m_hat + (1 - self._momentum(t)) * gradient / (1 - product)
        denominator = np.sqrt(v / (1 - self.beta2**t)) + self.eps
        return weight - lr * m_hat / denominator, {"m": m, "v": v}


@optimizer("rmsprop")
@dataclass(frozen=True)
class RmsProp(Optimizer):
    """Tieleman and Hinton, 2012: `w = w - lr * g / (sqrt(v) + eps)`.

    `v = rho * v + (1 - rho) * g^2` comes first.
    With `momentum`, `b = momentum * b + g / (sqrt(v) + eps)` and `w = w - lr * b`.  `centered`
    subtracts the square of the average gradient from `v` under the root.
    """

    lr: float = 1e-2
    rho: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    slots: ClassVar[tuple[str, ...]] = ("v", "average", "buffer")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_decay("rho", self.rho)
        require_positive("eps", self.eps)
        require_not_negative("momentum", self.momentum)

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        v = self.rho * slots["v"] + (1 - self.rho) * gradient**2
        average = slots["average"]
        if self.centered:
            average = self.rho * average + (1 - self.rho) * gradient
        scaled = gradient / (np.sqrt(v - average**2) + self.eps)
        buffer = self.momentum * slots["buffer"] + scaled
        return weight - lr * buffer, {"v": v, "average": average, "buffer": buffer}


@optimizer("adagrad")
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Duchi et al., 2011: `v = v + g^2`, `w = w - rate * g / (sqrt(v) + eps)`.

    `rate = lr / (1 + (t - 1) * lr_decay)`; `v` starts at `initial_accumulator`.
    """

    lr: float = 1e-2
    lr_decay: float = 0.0
    eps: float = 1e-10
    initial_accumulator: float = 0.0

    slots: ClassVar[tuple[str, ...]] = ("v",)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative("lr_decay", self.lr_decay)
        require_positive("eps", self.eps)
        require_not_negative("initial_accumulator", self.initial_accumulator)

    def initial(self, weight: Array) -> Slots:
        return {"v": np.full_like(weight, self.initial_accumulator)}

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        v = slots["v"] + gradient**2
        rate = lr / (1 + step * self.lr_decay)
        return weight - rate * gradient / (np.sqrt(v) + self.eps), {"v": v}


@optimizer("adadelta")
@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Zeiler, 2012: steps in the units of the weights.

    `v = rho * v + (1 - rho) * g^2`, `d = sqrt(u + eps) / sqrt(v + eps) * g`,
    `u = rho * u + (1 - rho) * d^2`, `w = w - lr * d`.
    """

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    slots: ClassVar[tuple[str, ...]] = ("v", "u")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_decay("rho", self.rho)
        require_positive("eps", self.eps)

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        v = self.rho * slots["v"] + (1 - self.rho) * gradient**2
        change = np.sqrt(slots["u"] + self.eps) / np.sqrt(v + self.eps) * gradient
        u = self.rho * slots["u"] + (1 - self.rho) * change**2
        return weight - lr * change, {"v": v, "u": u}


@optimizer("lion")
@dataclass(frozen=True)
class Lion(Optimizer):
    """Chen et al., 2023: `w = w - lr * sign(beta1 * m + (1 - beta1) * g)`, then
    `m = beta2 * m + (1 - beta2) * g`.

    Weight decay joins the gradient here as everywhere but in `adamw`; the paper decouples it.
    """

    lr: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99

    slots: ClassVar[tuple[str, ...]] = ("m",)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_decay("beta1", self.beta1)
        require_decay("beta2", self.beta2)

    def _updated(self, weight: Array, gradient: Array, slots: Slots, step: int, lr: float) -> State:
        direction = np.sign(self.beta1 * slots["m"] + (1 - self.beta1) * gradient)
        m = self.beta2 * slots["m"] + (1 - self.beta2) * gradient
        return weight - lr * direction, {"m": m}
