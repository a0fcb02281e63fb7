"""Elaboration: the syntax tree of a file becomes graphs, or diagnostics.

`program` decides what is compiled, `modules` reads files and imports, `sites` names the places
where layers are made, `scope` holds the state of one body, `statements`, `expressions`, `calls`,
`indexing` and `operations` run it, `types` binds dimensions, `static` and `functions` compute what
never reaches a graph, `blocks` specialises blocks, `train`, `training`, `settings` and `data` read
what is said about training.
"""

from compiler.elaborate import calls, declarations, expressions, indexing, statements  # noqa: F401  (they register)
from compiler.elaborate.program import Overrides, elaborate

__all__ = ["Overrides", "elaborate"]
