"""Layers and raw parameters made in loops: lists of lists, a level per loop, as in their paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tercet.codegen.arguments import Written
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import (
    Comprehension,
    Element,
    Expr,
    Format,
    Literal,
    Name,
    SiteName,
    lift,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.names import Names
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import mentions, replace
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.graph.ir import Argument, Site
from tercet.dsl.records import dataclass

Merge = Callable[[list[Expr], Written, list[int]], Expr]
Tree = Expr | list["Tree"]

_COMPREHENSION = 3
"""From this many equal elements on, a comprehension reads better than the list."""


@dataclass(frozen=True)
class _Made:
    site: Site
    graph: int
    indices: tuple[int, ...]
    expr: Expr
    written: tuple[Argument, ...]
    declared: bool


class LayerLists:
    """The attributes of one class, and the layers that wait to be put into lists.

    `names` are those of all classes of a script: what an attribute stands for does not depend on
    the class it is in, so that a checkpoint's names follow from paths part by part.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._made: list[_Made] = []
        self._declared: set[Site] = set()
        self._lengths: dict[tuple[str, int, tuple[int, ...]], int] = {}
        self.attributes: dict[str, str] = {}
        """The source's site name of every attribute."""

    def attribute(self, site: Site) -> str:
        """The attribute that holds the layers of a site."""
        attribute = self._names.of(site.name)
        self.attributes[attribute] = site.name
        return attribute

    def declare(self, site: Site) -> bool:
        """Whether a raw parameter is met for the first time."""
        new = site not in self._declared
        self._declared.add(site)
        return new

    def add(
        self,
        site: Site,
        graph: int,
        indices: tuple[int, ...],
        expr: Expr,
        written: tuple[Argument, ...],
        *,
        declared: bool = False,
    ) -> None:
        """Takes up what one iteration makes: a layer, or a raw parameter that it declares."""
        self._made.append(_Made(site, graph, indices, expr, written, declared))
        attribute = self.attribute(site)
        for level, index in enumerate(indices):
            place = attribute, graph, indices[:level]
            self._lengths[place] = max(self._lengths.get(place, 0), index + 1)

    def length(self, attribute: str, graph: int, place: tuple[int, ...]) -> int:
        """How many entries a list has in a specialisation; `place` leads to a list in the list."""
        return self._lengths.get((attribute, graph, place), 0)

    def copy(self) -> LayerLists:
        """The lists as they are now, for `restore`.  The names stay: they do not depend on it."""
        other = LayerLists(self._names)
        other.restore(self)
        return other

    def restore(self, other: LayerLists) -> None:
        """Makes these lists what the others are."""
        self._made = list(other._made)
        self._declared = set(other._declared)
        self._lengths = dict(other._lengths)
        self.attributes = dict(other.attributes)

    def statements(
        self, graphs: list[int], merge: Merge, target: ClassTarget, *, declared: bool
    ) -> list[Statement]:
        """One assignment per site of layers, or of raw parameters, in the order of the text.

        Raises CannotMerge.
        """
        sites: dict[Site, list[_Made]] = {}
        for made in self._made:
            if made.declared is declared:
                sites.setdefault(made.site, []).append(made)
        self._made = [made for made in self._made if made.declared is not declared]
        return [
            Assign(
                (Element(self.attribute(site), ()),), _Lists(entries, graphs, merge, target).expr()
            )
            for site, entries in sites.items()
        ]


class _Lists:
    """The list expression of one site."""

    def __init__(
        self, made: list[_Made], graphs: list[int], merge: Merge, target: ClassTarget
    ) -> None:
        self._site = made[0].site
        self._declared = made[0].declared
        self._graphs = graphs
        self._merge = merge
        self._target = target
        self._entries: dict[tuple[int, ...], list[_Made]] = {}
        for entry in made:
            self._entries.setdefault(entry.indices, []).append(entry)

    def expr(self) -> Expr:
        """Raises CannotMerge."""
        varying = self._varying_length()
        if varying is not None:
            return varying
        return self._emit(self._tree(()), (self._target.site_name(self._site.name),), 0)

    def _varying_length(self) -> Expr | None:
        """A comprehension for lists of different lengths of elements that are printed alike."""
        counts = [
            sum(any(e.graph == graph for e in entries) for entries in self._entries.values())
            for graph in self._graphs
        ]
        if self._site.loops != 1 or len(set(counts)) == 1:
            return None
        entries = [e for group in self._entries.values() for e in group]
        if len(entries) != sum(counts) or max(self._entries)[0] != max(counts) - 1:
            raise CannotMerge(f"lists of `{self._site.name}` have different lengths and gaps")
        exprs = [e.expr for e in entries]
        element = self._merge(exprs, [e.written for e in entries], [e.graph for e in entries])
        length = self._merge(list(map(lift, counts)), [()] * len(counts), self._graphs)
        path, index = (self._target.site_name(self._site.name), Name("i")), Name("i")
        element = replace(element, lambda e: _path(path) if isinstance(e, SiteName) else None)
        target = index if mentions(element, index) else Name("_")
        items = Comprehension(element, target, Name("range")(length))
        return self._list(items, 0)

    def _list(self, items: Expr, depth: int) -> Expr:
        """A list of layers or of lists; the innermost ones of raw parameters are of their own."""
        innermost = depth == self._site.loops - 1
        if self._declared and innermost:
            return self._target.parameter_list(items)
        return self._target.layer_list(items)

    def _tree(self, prefix: tuple[int, ...]) -> Tree:
        level = len(prefix)
        if level == self._site.loops:
            return self._element(prefix)
        ends = [i[level] for i in self._entries if i[:level] == prefix]
        return [self._tree((*prefix, k)) for k in range(max(ends, default=-1) + 1)]

    def _element(self, indices: tuple[int, ...]) -> Expr:
        entries = self._entries.get(indices)
        if entries is None:
            return lift(None) if self._declared else self._target.placeholder()
        if sorted(e.graph for e in entries) != self._graphs:
            raise CannotMerge(f"`{self._site.name}` is made in some specialisations only")
        exprs = [e.expr for e in entries]
        return self._merge(exprs, [e.written for e in entries], [e.graph for e in entries])

    def _emit(self, tree: Tree, path: tuple[str | Expr, ...], depth: int) -> Expr:
        if isinstance(tree, Expr):
            name = _path(path)
            return replace(tree, lambda e: name if isinstance(e, SiteName) else None)
        if len(tree) >= _COMPREHENSION and all(t == tree[0] for t in tree):
            index = Name("ijklmn"[min(depth, 5)])
            element = self._emit(tree[0], (*path, index), depth + 1)
            target = index if mentions(element, index) else Name("_")
            items: Expr = Comprehension(element, target, Name("range")(len(tree)))
        else:
            items = SequenceExpr(
                tuple(self._emit(t, (*path, str(k)), depth + 1) for k, t in enumerate(tree)), True
            )
        return self._list(items, depth)


def _path(parts: Sequence[str | Expr]) -> Expr:
    if all(isinstance(p, str) for p in parts):
        return Literal(".".join(str(p) for p in parts))
    dotted: list[str | Expr] = []
    for index, part in enumerate(parts):
        if index:
            dotted.append(".")
        dotted.append(part)
    merged: list[str | Expr] = []
    for piece in dotted:
        if merged and isinstance(piece, str) and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return Format(tuple(merged))
