"""Elaboration: the syntax tree of a file becomes graphs, or diagnostics.

`program` decides what is compiled, `loading` reads files and imports, `modules` holds their names,
`sites` names the places where layers are made, `session` is what a run shares, `scope` the state of
one body; `statements`, `expressions`, `calls`, `indexing` and `operations` run it, `types` and
`binding` give dimensions their sizes, `constraints` records what stays open, `static` and
`functions` compute what never reaches a graph, `blocks` specialises blocks, `train`, `training`,
`settings` and `data` read what is said about training.
"""

from tercet.compiler.elaborate import calls, declarations, expressions, indexing, statements  # noqa: F401  (they register)
from tercet.compiler.elaborate.program import Overrides, elaborate

__all__ = ["Overrides", "elaborate"]
