"""Values, and the layers and instances of blocks that compute them: what the IR's items are about.

All are frozen and compare by identity; `ir` names them too.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tercet.compiler.initializers import Fans, Initializer, counted_as, shape_fans
from tercet.compiler.ops.base import LayerOp, Role
from tercet.compiler.types import TensorType
from tercet.dsl import nodes
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """A tensor that the graph computes.  `name` is for people: the source's, or the operation's."""

    name: str
    type: TensorType


StaticValue = Any
"""int, float, bool, str, None, Dim, tuple (also the language's lists), DType, Initializer, Layer,
Instance, a function or a block by name; tuples may hold `Value`s."""


@dataclass(frozen=True, eq=False, slots=True)
class Argument:
    """A static argument as written at a call site, with the value it had in this trace.

    `by_position` tells that the text does not say its name.
    """

    name: str
    expression: nodes.Expr
    value: StaticValue
    by_position: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """The place in a block's text where a layer is made: one object, shared by all traces.

    `name` is unique in the block and follows the rule in docs/language.md; `loops` is the number of
    loops around it.
    """

    name: str
    span: Span
    loops: int


@dataclass(frozen=True, eq=False, slots=True)
class Parameter:
    """A parameter or buffer, by its path relative to the graph that holds its layer."""

    path: str
    name: str
    type: TensorType
    init: Initializer
    role: Role
    fans: Fans = (1, 1)
    trainable: bool = True

    @property
    def start(self) -> Initializer:
        """The initializer, for frameworks that count fans by `shape_fans` and refuse vectors.

        PyTorch and MXNet do so.
        """
        shape = tuple(size for size in self.type.shape if isinstance(size, int))
        return counted_as(self.init, self.fans, shape_fans(shape) if len(shape) > 1 else None)


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of one operation, made at a site inside `len(indices)` loops.

    `inputs` are the operands' types at its first application, which fixed the parameters.
    """

    site: Site
    indices: tuple[int, ...]
    op: LayerOp
    parameters: tuple[Parameter, ...]
    arguments: tuple[Argument, ...] = ()
    inputs: tuple[TensorType | None, ...] = ()

    @property
    def input(self) -> TensorType:
        """The type of the first operand."""
        first = self.inputs[0]
        assert first is not None
        return first

    @cached_property
    def path(self) -> str:
        return ".".join((self.site.name, *map(str, self.indices)))

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; KeyError where the layer has none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


@dataclass(frozen=True, eq=False)
class Instance:
    """A block made at a site: the same instance applied twice shares its parameters."""

    site: Site
    indices: tuple[int, ...]
    block: nodes.Block
    arguments: tuple[Argument, ...] = ()

    @cached_property
    def path(self) -> str:
        return ".".join((self.site.name, *map(str, self.indices)))
