"""Hostile texts: programs with bytes, tokens or parts of their syntax replaced.

A mutant is a function of two numbers, that of the campaign and its own, so that each can be made
again: `Mutator(campaign).mutant(number)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from random import Random
from typing import Any

from tercet.compiler.ops.base import OPERATIONS
from tercet.dsl import nodes
from tercet.dsl.parser import parse
from tercet.dsl.source import Source
from tercet.dsl.tokens import KEYWORDS, TERMINALS
from tests.fuzz.applications import program
from tests.fuzz.derivations import Derivation
from tests.fuzz.seeds import RIGHT, seeds

_TOKEN = re.compile(
    r'\s+|#[^\n]*|"[^"\n]*"|[A-Za-z_]\w*|\d[\d.e_]*|\|>|//|\*\*|[=!<>]=|\.\.\.|.', re.S
)
_EXTREME = (
    *("0", "-1", "1", "2", "7", "64", "1000", "65537", "1000000", "10**12", "2**31", "2**63 - 1"),
    *("2**63", "9223372036854775808", "1e400", "-0.0", "1e-300", "0.5", "inf", "nan", "none"),
    *('""', '"same"', '"valid"', "[]", "()", "{}", "[0]", "[1, 2, 3, 4, 5]", "true", "f64", "N"),
)


@dataclass(frozen=True)
class Mutant:
    """A text, and how it was made."""

    number: int
    kind: str
    origin: str
    text: bytes


@dataclass(frozen=True)
class _Part:
    """A piece of a program that its syntax tree has a node for."""

    start: int
    end: int
    sort: str


class Mutator:
    """Makes the mutants of one campaign."""

    def __init__(self, campaign: int) -> None:
        self.campaign = campaign
        self._texts = list(seeds().items())
        self._right = [item for item in self._texts if item[0].startswith(RIGHT)]

    def mutant(self, number: int) -> Mutant:
        random = Random(f"{self.campaign}:{number}")
        origin, text = random.choice(self._right if random.random() < 0.7 else self._texts)
        kind = KINDS[number % len(KINDS)]
        changed = _MAKERS[kind](self, random, text)
        return Mutant(number, kind, origin, changed)

    def _bytes(self, random: Random, text: str) -> bytes:
        data = bytearray(text.encode())
        for _ in range(_few(random)):
            at = random.randrange(len(data) + 1)
            end = min(len(data), at + random.choice((1, 1, 1, 4, 30)))
            match random.randrange(5):
                case 0:
                    data[at:end] = bytes(random.randrange(256) for _ in range(end - at))
                case 1:
                    del data[at:end]
                case 2:
                    data[at:at] = bytes([random.randrange(256)])
                case 3:
                    data[at:at] = data[at:end] * random.choice((1, 2, 50))
                case _:
                    data[at:end] = random.choice(_BYTES)
        return bytes(data)

    def _tokens(self, random: Random, text: str) -> bytes:
        tokens = _TOKEN.findall(text)
        if random.random() < 0.5:
            return "".join(_revalued(random, tokens)).encode()
        for _ in range(_few(random)):
            if not tokens:
                break
            at = random.randrange(len(tokens))
            match random.randrange(5):
                case 0:
                    tokens[at] = random.choice(_words())
                case 1:
                    del tokens[at]
                case 2:
                    tokens.insert(at, f" {random.choice(_words())} ")
                case 3:
                    other = random.randrange(len(tokens))
                    tokens[at], tokens[other] = tokens[other], tokens[at]
                case _:
                    end = min(len(tokens), at + random.randint(1, 12))
                    tokens[at:at] = tokens[at:end] * random.choice((1, 1, 2, 20))
        return "".join(tokens).encode()

    def _grammar(self, random: Random, text: str) -> bytes:
        """Parts replaced by random derivations of the same nonterminal, or operations applied."""
        if random.random() < 0.5:
            return program(random).encode()
        names = sorted(set(re.findall(r"[A-Za-z_]\w*", text)) - KEYWORDS)
        derive = Derivation(random, names)
        for _ in range(_few(random)):
            part = _chosen(random, text)
            if part is None:
                return derive.declaration().encode()
            new = derive.expression() if part.sort == "expression" else derive.statement()
            if part.sort == "statement" and random.random() < 0.5:
                new = f"{text[part.start : part.end]}\n{new}"
            text = text[: part.start] + new + text[part.end :]
        return text.encode()

    def _spliced(self, random: Random, text: str) -> bytes:
        """Parts replaced by parts of another program."""
        for _ in range(_few(random)):
            _, other = random.choice(self._texts)
            part = _chosen(random, text)
            taken = _chosen(random, other, None if part is None else part.sort)
            if part is None or taken is None:
                at, cut = random.randrange(len(text) + 1), random.randrange(len(other) + 1)
                return (text[:at] + other[cut:]).encode()
            text = text[: part.start] + other[taken.start : taken.end] + text[part.end :]
        return text.encode()


_MAKERS: dict[str, Callable[[Mutator, Random, str], bytes]] = {
    "byte": Mutator._bytes,
    "token": Mutator._tokens,
    "grammar": Mutator._grammar,
    "splice": Mutator._spliced,
}
KINDS = tuple(_MAKERS)
_BYTES = (
    b"\x00",
    b"\r",
    b"\xff",
    b"\xef\xbb\xbf",
    b'"',
    b"{",
    b"(" * 120,
    b"\n" * 30,
    b"\xe2\x80\xae",
)


def _revalued(random: Random, tokens: list[str]) -> list[str]:
    """Tokens with other ones of their kind: numbers, names of the text, operations."""
    names = sorted({t for t in tokens if t.isidentifier()} - KEYWORDS)
    for _ in range(_few(random)):
        numbers = [k for k, token in enumerate(tokens) if token[0].isdigit()]
        words = [k for k, token in enumerate(tokens) if token in names]
        kind = random.randrange(5)
        if kind == 0 and numbers:
            tokens[random.choice(numbers)] = random.choice(_EXTREME)
        elif kind < 3 and numbers:
            tokens[random.choice(numbers)] = str(random.randrange(10))
        elif kind == 3 and words:
            tokens[random.choice(words)] = random.choice(names)
        else:
            known = [k for k, token in enumerate(tokens) if token in OPERATIONS]
            if known:
                tokens[random.choice(known)] = random.choice(sorted(OPERATIONS))
    return tokens


def _few(random: Random) -> int:
    return random.choice((1, 1, 1, 1, 1, 2, 2, 3, 5))


@cache
def _words() -> list[str]:
    shown = {token for text in seeds().values() for token in _TOKEN.findall(text)}
    kept = {token for token in shown if not token.isspace() and len(token) < 30}
    return sorted({*kept, *TERMINALS, *OPERATIONS, *_EXTREME})


def _chosen(random: Random, text: str, sort: str | None = None) -> _Part | None:
    found = _parts(text)
    if sort is not None:
        found = tuple(part for part in found if part.sort == sort)
    return random.choice(found) if found else None


@cache
def _seed_parts(text: str) -> tuple[_Part, ...]:
    return tuple(_walk(parse(Source("seed.model", text)).module))


def _parts(text: str) -> tuple[_Part, ...]:
    """What can be replaced; of a seed it is looked for once."""
    if text in _seed_texts():
        return _seed_parts(text)
    return tuple(_walk(parse(Source("seed.model", text)).module))


@cache
def _seed_texts() -> frozenset[str]:
    return frozenset(seeds().values())


def _walk(node: Any) -> Iterator[_Part]:
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            pending.extend(node)
            continue
        if not isinstance(node, nodes.Node | nodes.Module):
            continue
        if isinstance(node, nodes.Expr):
            yield _Part(node.span.start, node.span.end, "expression")
        elif isinstance(node, nodes.Statement):
            yield _Part(node.span.start, node.span.end, "statement")
        pending.extend(getattr(node, field.name) for field in fields(node))
