"""A search for integers >= 1 that meet relations of sizes.

Symbols that no relation connects are searched for apart.  Depth first: a relation is looked at as
soon as all its symbols have numbers, and an equation gives the number of its last symbol.  What is
tried for a symbol are the numbers up to some sixty, and those around the numbers in the relations
and their multiples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import islice

from tercet.compiler import dims
from tercet.compiler.dims import DimError, FloorDiv, Mod, Size
from tercet.dsl.records import dataclass

MOST_STEPS = 100_000
_FEW_STEPS = 3_000
_DENSE = 64
_COMPLETE = 40
LARGEST = 1 << 20
"""No larger number is tried."""
_LONGEST_PERIOD = 2048
_HITS = 24
_MOST_TRIED = 100_000
"""Numbers that are looked at for one symbol."""
_ENOUGH = 500
"""Numbers for one symbol after which no more are looked for."""
_LADDER = tuple(1 << k for k in range(6, 17))


@dataclass(frozen=True)
class Demand:
    """A relation of two sizes that must hold."""

    left: Size
    relation: str
    right: Size

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"

    @cached_property
    def symbols(self) -> frozenset[str]:
        return dims.symbols(self.left) | dims.symbols(self.right)

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether it holds for these numbers; where a division by zero stands, it does not."""
        return dims.holds(self.left, self.relation, self.right, sizes)


class Search:
    """Looks for one setting.

    `wishes` holds the symbols and what each would best be; numbers near it come first, 1 last.
    `other_than` are numbers that symbols had before and, if possible, do not get again.  With
    `distinct` no two symbols get the same number, where that is possible.
    """

    def __init__(
        self,
        demands: Sequence[Demand],
        wishes: Mapping[str, int],
        other_than: Mapping[str, int],
        distinct: bool = True,
        most_steps: int = MOST_STEPS,
    ) -> None:
        self._demands = demands
        self._wishes = wishes
        self._other_than = other_than
        self._distinct = distinct
        self._most_steps = most_steps

    def run(self) -> dict[str, int] | None:
        """The numbers by symbol, or None where none were found."""
        found: dict[str, int] = {}
        parts = [self._part(names) for names in self._connected()]
        for domains, demands in sorted(parts, key=lambda part: min(map(len, part[0].values()))):
            numbers = self._of_part(domains, demands, found)
            if numbers is None:
                return None
            found |= numbers
        return {name: found[name] for name in self._wishes}

    def _connected(self) -> list[list[str]]:
        """The symbols, in groups that no demand connects."""
        groups: list[list[str]] = [[name] for name in self._wishes]
        for demand in self._demands:
            own = [group for group in groups if demand.symbols & {*group}]
            if len(own) > 1:
                merged = [name for group in own for name in group]
                groups = [group for group in groups if group not in own] + [merged]
        order = {name: place for place, name in enumerate(self._wishes)}
        return sorted(
            (sorted(group, key=order.__getitem__) for group in groups),
            key=lambda group: order[group[0]],
        )

    def _part(self, names: Sequence[str]) -> tuple[dict[str, list[int]], list[Demand]]:
        """What may be tried for these symbols, those with few choices first, and their demands."""
        own = [demand for demand in self._demands if demand.symbols & {*names}]
        domains = {name: candidates(name, own, self._wishes[name]) for name in names}
        return dict(sorted(domains.items(), key=lambda entry: len(entry[1]))), own

    def _of_part(
        self,
        domains: Mapping[str, Sequence[int]],
        demands: Sequence[Demand],
        before: Mapping[str, int],
    ) -> dict[str, int] | None:
        """Numbers for connected symbols: at first new ones, in the end any."""
        walk = _Walk(domains, demands)
        used = {*before.values()}
        if self._distinct:
            for old in (self._other_than, {}):
                barred = {name: used | {old.get(name, 0)} for name in domains}
                found = walk.run(domains, min(_FEW_STEPS, self._most_steps), barred)
                if found is not None:
                    return found
            domains = {
                n: sorted(d, key=lambda v: (v == self._other_than.get(n), v in used))
                for n, d in domains.items()
            }
        small = {n: [v for v in d if v <= _COMPLETE] for n, d in domains.items()}
        found = walk.run(small, self._most_steps)
        return walk.run(domains, self._most_steps) if found is None else found


class _Walk:
    """Depth first through the numbers of connected symbols."""

    def __init__(self, names: Iterable[str], demands: Sequence[Demand]) -> None:
        self._names = list(names)
        self._ready = [
            [d for d in demands if name in d.symbols and d.symbols <= {*self._names[: place + 1]}]
            for place, name in enumerate(self._names)
        ]

    def run(
        self,
        domains: Mapping[str, Sequence[int]],
        most_steps: int,
        barred: Mapping[str, set[int]] | None = None,
    ) -> dict[str, int] | None:
        """The first numbers that meet all demands, or None.

        With `barred`, what no symbol may be, the numbers are different from each other too.
        """
        sizes: dict[str, int] = {}
        stack = [self._numbers(0, sizes, domains)]
        for _ in range(most_steps):
            level = len(stack) - 1
            name = self._names[level]
            sizes.pop(name, None)
            number = next(stack[-1], None)
            if number is None:
                stack.pop()
                if not stack:
                    return None
                continue
            if barred is not None and (number in barred[name] or number in sizes.values()):
                continue
            sizes[name] = number
            if all(demand.holds(sizes) for demand in self._ready[level]):
                if level + 1 == len(self._names):
                    return sizes
                stack.append(self._numbers(level + 1, sizes, domains))
        return None

    def _numbers(
        self, level: int, sizes: Mapping[str, int], domains: Mapping[str, Sequence[int]]
    ) -> Iterator[int]:
        """What to try for a symbol when those before it have numbers."""
        more: list[int] = []
        for demand in self._ready[level]:
            root = _root(demand, sizes) if len(demand.symbols) > 1 else None
            if root is None:
                continue
            quotient, exact = root
            if demand.relation == "==":
                return iter([quotient] if exact and 1 <= quotient <= LARGEST else [])
            more += [n for n in range(quotient - 1, quotient + 3) if 1 <= n <= LARGEST]
        domain = domains[self._names[level]]
        return iter([*domain, *sorted({*more}.difference(domain))])


def _root(demand: Demand, sizes: Mapping[str, int]) -> tuple[int, bool] | None:
    """Where both sides are equal, rounded down, and whether exactly there.

    None if that is not an affine equation of one symbol.
    """
    try:
        gap = dims.substitute(demand.left, sizes) - dims.substitute(demand.right, sizes)
    except (ZeroDivisionError, DimError):
        return None
    form = dims.affine(gap)
    if form is None:
        return None
    _, factor, addend = form
    return -addend // factor, addend % factor == 0


# -------------------------------------------------------------------------------------- candidates


def candidates(name: str, demands: Sequence[Demand], wish: int) -> list[int]:
    """Numbers that meet what is demanded of this symbol alone, those near the wish first.

    `demands` are all that the symbol has a part in.
    """
    alone = [demand for demand in demands if demand.symbols == {name}]

    @cache  # the ranges that are looked through overlap
    def fits(number: int) -> bool:
        return all(demand.holds({name: number}) for demand in alone)

    numbers, steps = _numbers_in(demands)
    period = math.lcm(*steps)
    reach = _DENSE + (period if period <= _LONGEST_PERIOD else max(steps))
    starts = (
        numbers | {a * b for a in numbers for b in steps} | {a // b for a in numbers for b in steps}
    )
    found = set(filter(fits, range(1, _DENSE + 1)))
    if not found:
        starts |= {*_LADDER, period}
    left = _MOST_TRIED
    for start in sorted(starts):
        if start <= LARGEST and len(found) < _ENOUGH and left > 0:
            numbered = range(max(1, start - 3), min(start + reach, LARGEST + 1, start + left))
            left -= len(numbered)
            found.update(islice(filter(fits, numbered), _HITS))
    return sorted(found, key=lambda n: (n == 1 and wish != 1, abs(n - wish), n))


def _numbers_in(demands: Iterable[Demand]) -> tuple[set[int], set[int]]:
    """All numbers in the demands, and those that sizes are divided or multiplied by."""
    numbers: set[int] = set()
    steps = {1}
    pending: list[Size] = [side for demand in demands for side in (demand.left, demand.right)]
    while pending:
        size = pending.pop()
        if isinstance(size, int):
            numbers.add(abs(size))
            continue
        for monomial, coefficient in size.terms:
            (steps if monomial else numbers).add(abs(coefficient))
            for atom in monomial:
                pending += atom.operands
                if isinstance(atom, FloorDiv | Mod) and isinstance(atom.right, int):
                    steps.add(abs(atom.right))
    return numbers, steps
