"""Short definitions that a script gets only where its model uses them."""

from __future__ import annotations

import symtable
from collections.abc import Iterable, Iterator

from tercet.backends.mxnet.block_texts import BLOCKS
from tercet.backends.mxnet.helper_texts import FUNCTIONS
from tercet.backends.mxnet.initializer_texts import INITIALIZERS
from tercet.codegen.script.pieces import Piece

_CONSTANTS = {
    "GLOROT_UNIFORM": 'mx.init.Xavier("uniform", "avg", magnitude=3)',
    "GLOROT_NORMAL": 'mx.init.Xavier("gaussian", "avg", magnitude=1)',
    "HE_UNIFORM": 'mx.init.Xavier("uniform", "in", magnitude=6)',
    "HE_NORMAL": 'mx.init.Xavier("gaussian", "in", magnitude=2)',
    "LECUN_NORMAL": 'mx.init.Xavier("gaussian", "in", magnitude=1)',
    "softmax_cross_entropy": "gluon.loss.SoftmaxCrossEntropyLoss()",
}
_TEXTS = {**BLOCKS, **FUNCTIONS, **INITIALIZERS}

HELPERS = frozenset({*_CONSTANTS, *_TEXTS})
"""The names of all of them."""


def helper_constants(names: Iterable[str]) -> Piece:
    """The objects on top of a script."""
    wanted = set(names)
    return Piece(constants=tuple((n, v) for n, v in _CONSTANTS.items() if n in wanted))


def helper_pieces(names: Iterable[str]) -> list[Piece]:
    """The definitions of these helpers and of those they call, in a fixed order.

    KeyError for an unknown one.
    """
    wanted = set(names) - set(_CONSTANTS)
    pending = sorted(wanted)
    while pending:
        needed = {n for n in _names(_TEXTS[pending.pop()]) if n in _TEXTS} - wanted
        wanted |= needed
        pending += sorted(needed)
    return [Piece(_TEXTS[name]) for name in _TEXTS if name in wanted]


def _names(text: str) -> Iterator[str]:
    """What the code of a definition refers to outside itself: no argument named like a helper."""
    tables = [symtable.symtable(text, "helper", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        yield from (s.get_name() for s in table.get_symbols() if s.is_global() or not s.is_local())
