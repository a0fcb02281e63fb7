"""What one elaboration shares: what was found, what is specialised already, how much was done."""

from __future__ import annotations

from typing import Any

from tercet.compiler.elaborate import limits
from tercet.compiler.elaborate.errors import Sink, Stop
from tercet.compiler.elaborate.modules import ModuleScope
from tercet.compiler.elaborate.sites import BodyText
from tercet.compiler.graph.ir import Graph, Instance, Layer
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

_READ_IN_A_STEP = 10
"""Elements of a list that are walked through in about the time of a step."""
_LONG = 100
"""Elements from which on reading a list counts."""

Structure = int | tuple[Any, ...] | None
"""The shape of a block's result: an index into the flat outputs, a tuple, or None (it is wrong)."""


@dataclass(frozen=True, eq=False)
class Specialisation:
    """A block elaborated for some arguments and types; `operations` counts called blocks too."""

    graph: Graph
    structure: Structure
    operations: int


class Session:
    """What one elaboration shares: diagnostics, specialised blocks, and the work done so far."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.steps = 0
        self.memo: dict[Any, Specialisation] = {}
        self.models: dict[Any, Specialisation] = {}
        self.finished: list[Specialisation] = []
        self.depth = 0
        self.applied: set[Layer | Instance] = set()
        self.instances: dict[Instance, Graph] = {}
        self.module_of: dict[nodes.Block, ModuleScope] = {}
        self.texts: dict[nodes.Block, BodyText] = {}
        self.made_anew: dict[nodes.Block, frozenset[str]] = {}
        self._long: dict[int, tuple[tuple[Any, ...], int]] = {}

    def fork(self) -> Session:
        """A session for the same texts that knows the same blocks, and reports to nobody: it ends
        at the first error."""
        other = Session()
        other.sink = Sink(most=1)
        other.memo = dict(self.memo)
        other.applied = set(self.applied)
        other.instances = dict(self.instances)
        other.module_of = self.module_of
        other.texts = self.texts
        other.made_anew = self.made_anew
        return other

    def work(self, steps: int, span: Span) -> None:
        """Counts work done.  Raises Stop beyond the limit, whatever the text does."""
        self.steps += steps
        if self.steps > limits.STEPS:
            message = f"elaborating this takes more than {limits.STEPS:,} steps"
            self.stop("E0410", message, span, "use fewer iterations or shorter lists")

    def made(self, value: str | tuple[Any, ...], size: int, span: Span) -> None:
        """Counts a list or string of that many elements as work.  Raises Stop."""
        self.work(size, span)
        if isinstance(value, tuple) and size >= _LONG:
            self._long[id(value)] = value, size  # held, so that no other list gets its id

    def read(self, items: tuple[Any, ...], span: Span) -> None:
        """Counts the reading of a list, which is likely to be walked through.  Raises Stop."""
        known = self._long.get(id(items))
        if known is not None:
            self.work(known[1] // _READ_IN_A_STEP, span)

    def stop(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        """Reports a limit that was reached, and ends."""
        self.sink.add(Diagnostic(code, message, span, help))
        raise Stop
