"""Optimizers that MXNet lacks, or has with another meaning, as they stand in scripts."""

from __future__ import annotations


def _class(name: str, summary: str, parameters: str, slots: int, body: str) -> str:
    names = [p.split("=")[0] for p in parameters.split(", ") if p]
    state = ", ".join(["nd.zeros_like(weight)"] * slots)
    state = f"({state},)" if slots == 1 else f"({state})" if slots else "None"
    stored = "".join(f"        self.{n} = {n}\n" for n in names)
    constructor = f"""\
    def __init__(self, {parameters}, **settings):
        super().__init__(**settings)
{stored}
"""
    constructor = constructor if parameters else ""
    return f'''\
class {name}(mx.optimizer.Optimizer):
    """{summary}"""

{constructor}    def create_state(self, index, weight):
        return {state}

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        rate, wd = self._get_lr(index), self._get_wd(index)
        step = self._index_update_count[index]
        if self.clip_gradient is not None:
            gradient = nd.clip(gradient, -self.clip_gradient, self.clip_gradient)
{body}'''


def _lines(text: str) -> str:
    return "\n".join(f"        {line}" if line else "" for line in text.strip().split("\n"))


_ADAM = """
mean, square = state
mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
square[:] = self.beta2 * square + (1 - self.beta2) * gradient**2
"""

_CLASSES = {
    "AdamW": '''\
class AdamW(mx.optimizer.Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    def create_state(self, index, weight):
        self.scale = nd.array([self.rescale_grad], weight.context)
        return super().create_state(index, weight)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        step = self._index_update_count[index]
        # The operation has betas in float32; what corrects the bias must have the same.
        beta1, beta2 = np.float32([self.beta1, self.beta2]).tolist()
        root = math.sqrt(1 - beta2**step)
        nd.contrib.adamw_update(
            weight,
            gradient,
            *state,
            self.scale,
            out=weight,
            lr=root / (1 - beta1**step),
            eta=self._get_lr(index),
            wd=self._get_wd(index),
            beta1=beta1,
            beta2=beta2,
            epsilon=self.epsilon * root,  # added before the correction of the bias
            clip_gradient=self.clip_gradient or -1.0,
        )''',
    "NAdam": _class(
        "NAdam",
        "Adam with Nesterov's momentum (Dozat, 2016).",
        "beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=4e-3",
        2,
        _lines(
            "gradient = gradient + wd * weight"
            + _ADAM
            + """
root = nd.sqrt(square / (1 - self.beta2**step)) + self.epsilon
steps = np.arange(1, step + 2)
momenta = self.beta1 * (1 - 0.5 * 0.96 ** (steps * self.momentum_decay))
now, then = np.prod(momenta[:-1]), np.prod(momenta)
change = momenta[-1] * mean / (1 - then)
change = change + (1 - momenta[-2]) * gradient / (1 - now)
weight[:] = weight - rate * change / root
""".strip()
        ),
    ),
    "Nesterov": _class(
        "Nesterov",
        "Gradient descent with Nesterov's momentum.",
        "momentum=0.9",
        1,
        _lines("""
(velocity,) = state
gradient = gradient + wd * weight
velocity[:] = self.momentum * velocity + gradient
weight[:] = weight - rate * (gradient + self.momentum * velocity)
"""),
    ),
    "RMSProp": _class(
        "RMSProp",
        "RMSProp, epsilon outside the root.",
        "rho=0.99, epsilon=1e-8",
        1,
        _lines("""
(square,) = state
gradient = gradient + wd * weight
square[:] = self.rho * square + (1 - self.rho) * gradient**2
weight[:] = weight - rate * gradient / (nd.sqrt(square) + self.epsilon)
"""),
    ),
    "MomentumRMSProp": _class(
        "MomentumRMSProp",
        "RMSProp with momentum, epsilon outside the root.",
        "rho=0.99, epsilon=1e-8, momentum=0.0, centered=False",
        3,
        _lines("""
square, average, buffer = state
gradient = gradient + wd * weight
square[:] = self.rho * square + (1 - self.rho) * gradient**2
if self.centered:
    average[:] = self.rho * average + (1 - self.rho) * gradient
root = nd.sqrt(square - average**2) + self.epsilon
buffer[:] = self.momentum * buffer + gradient / root
weight[:] = weight - rate * buffer
"""),
    ),
    "Adagrad": _class(
        "Adagrad",
        "Adagrad with L2 weight decay (Duchi et al., 2011).",
        "lr_decay=0.0, epsilon=1e-10, initial_accumulator=0.0",
        1,
        _lines("""
(square,) = state
gradient = gradient + wd * weight
square[:] = square + gradient**2
rate = rate / (1 + (step - 1) * self.lr_decay)
weight[:] = weight - rate * gradient / (nd.sqrt(square) + self.epsilon)
"""),
    ).replace(
        "return (nd.zeros_like(weight),)",
        "return (nd.full(\n            weight.shape,\n            self.initial_accumulator,\n"
        "            weight.context,\n            weight.dtype,\n        ),)",
    ),
    "Adadelta": _class(
        "Adadelta",
        "Adadelta with a learning rate (Zeiler, 2012).",
        "rho=0.9, epsilon=1e-6",
        2,
        _lines("""
square, moved = state
gradient = gradient + wd * weight
square[:] = self.rho * square + (1 - self.rho) * gradient**2
change = nd.sqrt(moved + self.epsilon) / nd.sqrt(square + self.epsilon)
change = change * gradient
moved[:] = self.rho * moved + (1 - self.rho) * change**2
weight[:] = weight - rate * change
"""),
    ),
    "Lion": _class(
        "Lion",
        "Signs of an average of the gradient (Chen et al., 2023).",
        "beta1=0.9, beta2=0.99",
        1,
        _lines("""
(mean,) = state
gradient = gradient + wd * weight
direction = nd.sign(self.beta1 * mean + (1 - self.beta1) * gradient)
mean[:] = self.beta2 * mean + (1 - self.beta2) * gradient
weight[:] = weight - rate * direction
"""),
    ),
}


_EXACT = {
    "SGD": _class(
        "SGD",
        "Gradient descent; MXNet's operation has its rate in float32.",
        "",
        0,
        _lines("weight[:] = weight - rate * (gradient + wd * weight)"),
    ),
    "Momentum": _class(
        "Momentum",
        "Gradient descent with momentum; the velocity is free of the rate.",
        "momentum=0.9",
        1,
        _lines("""
(velocity,) = state
velocity[:] = self.momentum * velocity + gradient + wd * weight
weight[:] = weight - rate * velocity
"""),
    ),
    "Adam": _class(
        "Adam",
        "Kingma and Ba, 2015; MXNet's operation has its betas in float32.",
        "beta1=0.9, beta2=0.999, epsilon=1e-8",
        2,
        _lines(
            "gradient = gradient + wd * weight"
            + _ADAM
            + """
root = nd.sqrt(square / (1 - self.beta2**step)) + self.epsilon
weight[:] = weight - rate / (1 - self.beta1**step) * mean / root
""".strip()
        ),
    ),
    "AdamW": _class(
        "AdamW",
        "Adam with decoupled weight decay (Loshchilov and Hutter, 2019).",
        "beta1=0.9, beta2=0.999, epsilon=1e-8",
        2,
        _lines(
            _ADAM
            + """
root = nd.sqrt(square / (1 - self.beta2**step)) + self.epsilon
weight[:] = weight - rate * wd * weight
weight[:] = weight - rate / (1 - self.beta1**step) * mean / root
""".strip()
        ),
    ),
}
_CLIPPING = """\
        if self.clip_gradient is not None:
            gradient = nd.clip(gradient, -self.clip_gradient, self.clip_gradient)
"""


def _without_unused_step(text: str) -> str:
    line = "        step = self._index_update_count[index]\n"
    before, _, after = text.partition(line)
    return text if "step" in after else before + after


OPTIMIZERS = {name: _without_unused_step(text) for name, text in _CLASSES.items()}
"""Classes by name."""
EXACT_OPTIMIZERS = {
    name: _without_unused_step(text.replace(_CLIPPING, ""))
    for name, text in (_CLASSES | _EXACT).items()
}
"""Those of exact scripts, which clip in full precision themselves."""
