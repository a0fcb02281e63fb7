"""The parser's tables, built ahead.

Building them takes ten times as long as loading them, so `python -m tercet.dsl.build_tables` saves
them beside the grammar, under a key of all they depend on.  Where the key is not the right one (an
edited grammar, another Lark) they are built in memory, which is slower and otherwise the same.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from lark import Lark, __version__
from lark.lexer import Lexer

from tercet.dsl.builder import Builder
from tercet.dsl.recovery import Cursor
from tercet.dsl.tokens import Token

GRAMMAR: Final = Path(__file__).with_name("grammar.lark")
SAVED: Final = Path(__file__).with_name("tables.bin")


class TokenFeed(Lexer):
    """Hands Lark the tokens that were read beforehand."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, cursor: Cursor) -> Iterator[Token]:  # type: ignore[override]
        return cursor.rest()


def key() -> bytes:
    """What the saved tables depend on, as a digest."""
    text = GRAMMAR.read_bytes() + __version__.encode()
    return hashlib.sha256(text).hexdigest().encode()


def build(builder: Builder) -> Lark:
    """The parser made from the grammar."""
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer=TokenFeed,
        start=["module", "single_expression"],
        keep_all_tokens=True,
        maybe_placeholders=False,
        strict=True,  # a conflict is an error
        transformer=builder,
    )


def save() -> None:
    """Write the tables; done by whoever edits the grammar."""
    data = BytesIO()
    build(Builder()).save(data, exclude_options={"transformer"})
    SAVED.write_bytes(key() + b"\n" + data.getvalue())


def load(builder: Builder) -> Lark:
    """The parser from the saved tables, or from the grammar where they are stale or absent."""
    saved = _read_saved()
    if saved is None:
        return build(builder)
    lark: Lark = Lark.__new__(Lark)
    return lark._load(saved, transformer=builder)


def _read_saved() -> dict[str, Any] | None:
    try:
        found, _, data = SAVED.read_bytes().partition(b"\n")
    except OSError:
        return None
    if found != key():
        return None
    saved: dict[str, Any] = pickle.loads(data)
    return saved
