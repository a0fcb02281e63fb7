"""Programs of a few operations with arguments drawn by their signatures: many compile."""

from __future__ import annotations

from random import Random

from tercet.compiler.ops.base import OPERATIONS, LayerOp
from tercet.compiler.signature import Parameter, signature

_INPUTS = {
    "a": "f32[N, 8]",
    "b": "f32[N, 4, 6, 6]",
    "c": "i64[N, T]",
    "d": "f32[N, T, 8]",
    "e": "f32[N, 3, H, W]",
    "f": "i64[N]",
    "g": "f32[]",
    "h": "f32[2, 3, 4, 5, 6]",
    "i": "f32[N, 8, L]",
    "k": "bool[N, 8]",
    "m": "f32[N, 4, 5, 6, 7]",
}
_NAMES = sorted(n for n in OPERATIONS if not n.startswith("_"))
_NUMBERS = (
    "0",
    "1",
    "1",
    "2",
    "2",
    "3",
    "4",
    "-1",
    "-2",
    "0.5",
    "1.5",
    "1000000",
    "N",
    "T",
    "H - 1",
)
_LISTED = ("1", "2", "3", "0", "-1", "N", "T")
_OTHERS = ("true", "false", "none", '"same"', '"valid"', "f32", "i64", "zeros", "normal(std = 0.1)")


def program(random: Random) -> str:
    """A model in which an operation or two are applied to inputs of many types."""
    lines = [f"    input {name}: {type_}" for name, type_ in _INPUTS.items()]
    outputs = []
    tensors = list(_INPUTS)
    for number in range(random.randint(1, 2)):
        lines.append(f"    r{number} = {_call(random, tensors)}")
        outputs.append(f"y{number} = r{number}")
        tensors += [f"r{number}"] * 4
    return "\n".join(["model M {", *lines, f"    output {', '.join(outputs)}, z = a + 1", "}"])


def _call(random: Random, tensors: list[str]) -> str:
    name = random.choice(_NAMES)
    cls = OPERATIONS[name]
    found = signature(cls)
    operands = [
        _operand(random, tensors, operand.variadic)
        for operand in found.operands
        if not operand.optional or random.random() < 0.4
    ]
    given = [
        f"{parameter.name} = {_value(random, parameter)}"
        for parameter in found.parameters
        if parameter.required or random.random() < 0.25
    ]
    if issubclass(cls, LayerOp):
        return f"{name}({', '.join(given)})({', '.join(operands)})"
    return f"{name}({', '.join([*operands, *given])})"


def _operand(random: Random, tensors: list[str], variadic: bool) -> str:
    if variadic:
        first = random.choice(tensors)
        return f"[{', '.join([first] * random.randint(1, 3))}]"
    match random.randrange(12):
        case 0:
            return random.choice(["1", "0.5", "none"])
        case 1:
            return f"{random.choice(tensors)} > 0"
    return random.choice(tensors)


def _value(random: Random, parameter: Parameter) -> str:
    choices = [c for c in parameter.type.split(" | ") if c.startswith('"')]
    match random.randrange(10):
        case 0:
            return random.choice(_OTHERS)
        case 1 | 2 | 3 if "[" in parameter.type or "list" in parameter.type:
            return f"[{', '.join(random.choice(_LISTED) for _ in range(random.randrange(5)))}]"
        case _ if choices:
            return random.choice(choices)
        case _ if parameter.type == "bool":
            return random.choice(["true", "false"])
    return random.choice(_NUMBERS)
