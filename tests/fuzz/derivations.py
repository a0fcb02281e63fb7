"""Random derivations of the grammar: well-formed, and hardly ever meaningful."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tercet.compiler.elaborate.functions import FUNCTIONS
from tercet.compiler.ops.base import OPERATIONS

_OPERATORS = (*"+-*/%@<>", "//", "**", "==", "!=", "<=", ">=", "and", "or")
_CALLED = sorted([*(n for n in OPERATIONS if not n.startswith("_")), *FUNCTIONS])
_ATOMS = ("0", "1", "2", "3", "8", "-1", "0.5", "1e-3", "true", "none", "f32", '"same"', "[]", "N")
_DEEPEST = 4


class Derivation:
    """Writes parts of programs that mention some names."""

    def __init__(self, random: Random, names: Sequence[str]) -> None:
        self._random = random
        self._names = names or ["x"]

    def _name(self) -> str:
        return self._random.choice(self._names)

    def _several(self, depth: int) -> str:
        return ", ".join(self.expression(depth + 1) for _ in range(self._random.randrange(4)))

    def _arguments(self, depth: int) -> str:
        found = [self.expression(depth + 1) for _ in range(self._random.randrange(3))]
        found += [
            f"{self._name()} = {self.expression(depth + 1)}"
            for _ in range(self._random.randrange(2))
        ]
        return ", ".join(found)

    def expression(self, depth: int = 0) -> str:
        """An expression."""
        if depth >= _DEEPEST or self._random.random() < 0.25:
            return self._name() if self._random.random() < 0.6 else self._random.choice(_ATOMS)
        one, two = self.expression(depth + 1), self.expression(depth + 1)
        match self._random.randrange(12):
            case 0 | 1:
                return f"({one} {self._random.choice(_OPERATORS)} {two})"
            case 2 | 3:
                return f"{self._random.choice(_CALLED)}({self._arguments(depth)})"
            case 4:
                return f"{self._name()}({self._arguments(depth)})"
            case 5 | 6:
                return f"{one} |> {self._random.choice(_CALLED)}({self._arguments(depth)})"
            case 7:
                return f"if {one} {{ {two} }} else {{ {self.expression(depth + 1)} }}"
            case 8:
                return f"[{self._several(depth)}]"
            case 9:
                index = self._random.choice(
                    [two, f"{two}:", f":{two}", "::2", "...", f"{one}, {two}"]
                )
                return f"{self._name()}[{index}]"
            case 10:
                return self._random.choice(
                    [f"-{one}", f"not {one}", f"{self._name()}.shape", f"({one},)"]
                )
        return f"{one}({self._several(depth)})"

    def statement(self, depth: int = 0) -> str:
        """A statement of a block, model or train."""
        value = self.expression()
        match self._random.randrange(10 if depth < 2 else 6):
            case 0 | 1 | 2:
                return f"{self._name()} = {value}"
            case 3:
                return f"{self._name()}, {self._name()} = {value}"
            case 4:
                return f"output {self._name()} = {value}"
            case 5:
                kind = self._random.choice(["input", "target", "param", "buffer"])
                dtype = self._random.choice(["f32", "i64", "bool"])
                return f"{kind} {self._name()}: {dtype}[{self._several(3)}]"
            case 6:
                return f'assert {value}, "{{{self._name()}}}"'
            case 7:
                return f"if {value} {{ {self._body(depth)} }} else {{ {self._body(depth)} }}"
        return f"for {self._name()} in {value} {{ {self._body(depth)} }}"

    def _body(self, depth: int) -> str:
        return "\n".join(self.statement(depth + 1) for _ in range(self._random.randrange(1, 3)))

    def declaration(self) -> str:
        """A declaration of a file."""
        name = self._name()
        match self._random.randrange(3):
            case 0:
                return f"const {name} = {self.expression()}"
            case 1:
                return f"block {name}({name} = {self.expression()}) {{ {self._body(0)} }}"
        body = f"{self._body(0)}\noutput y = {self.expression()}"
        return f"model {name} {{ input x: f32[N, 4]\n{body} }}"
