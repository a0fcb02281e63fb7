"""A model elaborated again, with other values of its parameters.

Code generators print a model as one class whose parameters are arguments: they look at it at
several values.  Errors there are none of the user's: such values are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tercet.compiler.elaborate import specialising
from tercet.compiler.elaborate.errors import Stop
from tercet.compiler.elaborate.modules import ModuleScope
from tercet.compiler.elaborate.scope import Body, Frame
from tercet.compiler.elaborate.session import Session
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.values import frozen
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError

Run = Callable[[Callable[[], Any]], Any]
"""Calls a function in an interpreter that is set for elaboration."""


class Variants:
    """One model at other values of its parameters; each is elaborated when first asked for.

    What stays the same is shared: texts, places of layers, and the blocks that do not change.
    """

    def __init__(
        self,
        session: Session,
        scope: ModuleScope,
        block: nodes.Block,
        arguments: dict[str, Any],
        run: Run,
    ) -> None:
        self._session = session
        self._scope = scope
        self._block = block
        self._arguments = arguments
        self._run = run
        self._found: dict[Any, Graph | None] = {}

    def __call__(self, changed: Mapping[str, Any]) -> Graph | None:
        """The model at these values of some parameters; None where they are an error."""
        key = tuple((name, frozen(changed[name])) for name in sorted(changed))
        if key not in self._found:
            self._found[key] = self._run(lambda: self._elaborated(changed))
        return self._found[key]

    def _elaborated(self, changed: Mapping[str, Any]) -> Graph | None:
        session = self._session.fork()
        frame = Frame(session, self._scope, specialising.text_of(session, self._block))
        frame.body = Body(self._block)
        try:
            made = specialising.run(frame, self._block, {**self._arguments, **changed})
        except (Stop, DiagnosticError):
            return None
        if session.sink.errors:
            return None
        self._session.memo.update(session.memo)
        types = [given.value.type for given in made.graph.inputs]
        key = specialising.memo_key(self._block, made.graph.arguments, types)
        self._session.models[key] = made  # for its `train`
        return made.graph
