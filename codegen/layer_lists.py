"""Layers and raw parameters made in loops: lists of lists, a level per loop, as in their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import (
    Comprehension,
    Element,
    Expr,
    Format,
    Literal,
    Name,
    SiteName,
    Starred,
    lift,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.names import Names
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import mentions, replace
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.graph.ir import (
    Argument,
    Create,
    Graph,
    Instance,
    Layer,
    ReadParameter,
    Site,
)
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Making:
    """What one execution makes or builds at a site: `expr` is the template that says so.

    `written` are the arguments in the source, `statics` what names print as where they stand.
    """

    site: Site
    graph: int
    indices: tuple[int, ...]
    expr: Expr
    written: tuple[Argument, ...]
    statics: Mapping[str, Expr | None]


Merge = Callable[[Sequence[Making]], Expr]
"""Merges what several executions make into one expression.  Raises CannotMerge."""

_COMPREHENSION = 3
"""From this many equal elements on, a comprehension reads better than the list."""


@dataclass(frozen=True)
class _Varying:
    """A list whose length differs between specialisations; `first` is its first element, where that
    is not like the others."""

    first: Expr | None
    element: Expr
    length: Expr


Tree = Expr | _Varying | list["Tree"]


class LayerLists:
    """The attributes of one class, and the layers that wait to be put into lists.

    `names` are those of all classes of a script: what an attribute stands for does not depend on
    the class it is in, so that a checkpoint's names follow from paths part by part.
    """

    def __init__(self, names: Names, graphs: Sequence[Graph]) -> None:
        self._names = names
        self._graphs = graphs
        self._made: list[tuple[Making, bool]] = []
        self._declared: set[Site] = set()
        self._lengths: dict[int, dict[tuple[str, tuple[int, ...]], int]] = {}
        self.attributes: dict[str, str] = {}
        """The source's site name of every attribute."""
        self._constants: dict[str, int] = {}
        self.constants: set[str] = set()
        """The attributes that hold what is computed once, and is no weight."""

    def attribute(self, site: Site) -> str:
        """The attribute that holds the layers of a site."""
        attribute = self._names.of(site.name)
        self.attributes[attribute] = site.name
        return attribute

    def constant(self, name: str) -> str:
        """An attribute for a tensor that the source calls so."""
        count = self._constants[name] = self._constants.get(name, 0) + 1
        attribute = self._names.of(name, f"constant {count}")
        self.constants.add(attribute)
        return attribute

    def declare(self, site: Site) -> bool:
        """Whether a raw parameter is met for the first time."""
        new = site not in self._declared
        self._declared.add(site)
        return new

    def add(self, making: Making, *, declared: bool = False) -> None:
        """Takes up what one iteration makes: a layer, or a raw parameter that it declares."""
        self._made.append((making, declared))
        self.attribute(making.site)

    def length(self, attribute: str, graph: int, place: tuple[int, ...]) -> int:
        """How many entries a list has in a specialisation, when all of them are there.

        `place` leads to a list in the list.  Iterations of a loop that is unrolled add theirs one
        after the other.
        """
        if graph not in self._lengths:
            self._lengths[graph] = self._counted(self._graphs[graph])
        return self._lengths[graph].get((attribute, place), 0)

    def _counted(self, graph: Graph) -> dict[tuple[str, tuple[int, ...]], int]:
        lengths: dict[tuple[str, tuple[int, ...]], int] = {}
        for site, indices in _made_in(graph):
            attribute = self._names.of(site.name)
            for level, index in enumerate(indices):
                place = attribute, indices[:level]
                lengths[place] = max(lengths.get(place, 0), index + 1)
        return lengths

    def copy(self) -> LayerLists:
        """The lists as they are now, for `restore`.  The names stay: they do not depend on it."""
        other = LayerLists(self._names, self._graphs)
        other.restore(self)
        return other

    def restore(self, other: LayerLists) -> None:
        """Makes these lists what the others are."""
        self._made = list(other._made)
        self._declared = set(other._declared)
        self._lengths = dict(other._lengths)
        self.attributes = dict(other.attributes)
        self._constants = dict(other._constants)
        self.constants = set(other.constants)

    def statements(
        self, graphs: list[int], merge: Merge, target: ClassTarget, *, declared: bool
    ) -> list[Statement]:
        """One assignment per site of layers, or of raw parameters, in the order of the text.

        Raises CannotMerge.
        """
        sites: dict[Site, list[Making]] = {}
        for making, is_declared in self._made:
            if is_declared is declared:
                sites.setdefault(making.site, []).append(making)
        self._made = [entry for entry in self._made if entry[1] is not declared]
        return [
            Assign(
                (Element(self.attribute(site), ()),),
                _Lists(entries, declared, graphs, merge, target).expr(),
            )
            for site, entries in sites.items()
        ]


def _made_in(graph: Graph) -> Iterator[tuple[Site, tuple[int, ...]]]:
    """The sites of everything that a graph makes in loops, and the places in their lists."""
    for item in graph.body.walk():
        match item:
            case Create(
                made=Layer(site=site, indices=indices) | Instance(site=site, indices=indices)
            ):
                yield site, indices
            case ReadParameter(site=Site() as site, indices=indices):
                yield site, indices


class _Lists:
    """The list expression of one site."""

    def __init__(
        self,
        made: list[Making],
        declared: bool,
        graphs: list[int],
        merge: Merge,
        target: ClassTarget,
    ) -> None:
        self._site = made[0].site
        self._declared = declared
        self._graphs = graphs
        self._merge = merge
        self._target = target
        self._entries: dict[tuple[int, ...], list[Making]] = {}
        for entry in made:
            self._entries.setdefault(entry.indices, []).append(entry)

    def expr(self) -> Expr:
        """Raises CannotMerge."""
        return self._emit(self._tree(()), (self._target.site_name(self._site.name),), 0)

    def _varying(self, prefix: tuple[int, ...], counts: list[int]) -> _Varying:
        """A comprehension for lists of different lengths of elements that are printed alike."""
        makings = [m for i, found in self._entries.items() if i[:-1] == prefix for m in found]
        longest = max(m.indices[-1] for m in makings) + 1
        if longest != max(counts) or (prefix and 0 in counts):
            raise CannotMerge(f"the lists of `{self._site.name}` have different lengths and gaps")
        one = self._entries[(*prefix, 0)][0]
        lengths = [
            Making(one.site, graph, (), lift(count), (), one.statics)
            for graph, count in zip(self._graphs, counts, strict=True)
        ]
        length = self._merge(lengths)
        try:
            return _Varying(None, self._merge(makings), length)
        except CannotMerge:
            if 0 in counts or longest < 2:
                raise
        others = [m for m in makings if m.indices[-1] > 0]
        return _Varying(self._element((*prefix, 0)), self._merge(others), length)

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
        below = {i: m for i, m in self._entries.items() if i[:level] == prefix}
        counts = [
            len({i[level] for i, found in below.items() if any(m.graph == g for m in found)})
            for g in self._graphs
        ]
        if len(set(counts)) > 1 and level == self._site.loops - 1:
            return self._varying(prefix, counts)
        ends = [i[level] for i in below]
        return [self._tree((*prefix, k)) for k in range(max(ends, default=-1) + 1)]

    def _element(self, indices: tuple[int, ...]) -> Expr:
        entries = self._entries.get(indices)
        if entries is None:
            return lift(None) if self._declared else self._target.placeholder()
        if sorted(e.graph for e in entries) != self._graphs:
            raise CannotMerge(f"`{self._site.name}` is made in some specialisations only")
        return self._merge(entries)

    def _emit(self, tree: Tree, path: tuple[str | Expr, ...], depth: int) -> Expr:
        if isinstance(tree, Expr):
            name = _path(path)
            return replace(tree, lambda e: name if isinstance(e, SiteName) else None)
        if isinstance(tree, _Varying):
            return self._list(self._varying_items(tree, path, depth), depth)
        if len(tree) >= _COMPREHENSION and all(t == tree[0] for t in tree):
            return self._list(self._comprehension(tree[0], [len(tree)], path, depth), depth)
        items = SequenceExpr(
            tuple(self._emit(t, (*path, str(k)), depth + 1) for k, t in enumerate(tree)), True
        )
        return self._list(items, depth)

    def _varying_items(self, tree: _Varying, path: tuple[str | Expr, ...], depth: int) -> Expr:
        if tree.first is None:
            return self._comprehension(tree.element, [tree.length], path, depth)
        first = self._emit(tree.first, (*path, "0"), depth + 1)
        others = self._comprehension(tree.element, [1, tree.length], path, depth)
        return SequenceExpr((first, Starred(others)), True)

    def _comprehension(
        self, tree: Tree, bounds: Sequence[int | Expr], path: tuple[str | Expr, ...], depth: int
    ) -> Comprehension:
        index = Name("ijklmn"[min(depth, 5)])
        element = self._emit(tree, (*path, index), depth + 1)
        target = index if mentions(element, index) else Name("_")
        return Comprehension(element, target, Name("range")(*bounds))


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
