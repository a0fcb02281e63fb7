"""Which keywords are names: those that stand where only a name can.

The words that statements and declarations begin with (`target`, `input`, `model`, …) are the
field's own for inputs and values too.  Neither calls nor expressions are statements, so the tokens
beside such a word tell what it is; the grammar then knows it as any other name.
"""

from __future__ import annotations

from typing import Final

from tercet.dsl.tokens import KEYWORDS, RESERVED, Token

_BY_PLACE: Final = frozenset(word.upper() for word in KEYWORDS - RESERVED)

_ENDS: Final = frozenset(
    ["NAME", "NUMBER", "STRING", "TRUE", "FALSE", "NONE", "ELLIPSIS", "RPAR", "RSQB", "RBRACE"]
)
"""What an expression, a statement or a declaration may end with: behind it a new one may begin."""

_BEGINS_OPERAND: Final = frozenset(["NAME", "NUMBER", "STRING", "TRUE", "FALSE", "NONE"])


def tell_by_place(tokens: list[Token]) -> None:
    """Make names of the keywords that can be nothing else."""
    for index, token in enumerate(tokens):
        if token.type in _BY_PLACE and _is_name(tokens, index):
            token.type = "NAME"


def _is_name(tokens: list[Token], index: int) -> bool:
    word = tokens[index]
    before = tokens[index - 1].type if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if before == "DOT" or (after is not None and after.type in ("EQUAL", "COMMA")):
        return True
    if before in (None, "LBRACE"):  # of a body, or of an `if` expression
        return after is None or after.type in ("RBRACE", "PIPE", "DOT", "INFIX")
    if before in _ENDS:
        return False
    return not (
        word.starts_line
        and after is not None
        and _begins_operand(after)
        and not after.starts_line
        and after.text != "as"
    )


def _begins_operand(token: Token) -> bool:
    return token.type in _BEGINS_OPERAND or token.type in _BY_PLACE
