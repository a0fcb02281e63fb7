"""Names that generated MXNet code may not take."""

from __future__ import annotations

from tercet.backends.mxnet.helpers import HELPERS
from tercet.backends.mxnet.kinds import KINDS
from tercet.backends.mxnet.optimizer_texts import OPTIMIZERS
from tercet.codegen.script.names import SCRIPT_NAMES, words

RESERVED_NAMES = (
    SCRIPT_NAMES
    | HELPERS
    | frozenset(OPTIMIZERS)
    | KINDS.names
    | words(
        """
        F amp autograd find_device gluon gradients mixed_precision mx named_parameters nd nn
        reseed rnn slots tqdm trained
        """
    )
)
"""Module-level names of scripts."""

_READ_IN_FORWARD = HELPERS | words(
    "F enumerate len list mx nd nn np range reversed self super tuple zip"
)
"""What `hybrid_forward` reads, whose keywords are called like the attributes of parameters."""

RESERVED_ATTRIBUTES = _READ_IN_FORWARD | words(
    """
    alpha apply beta cast collect_params export forward gamma hybrid_forward hybridize
    infer_shape infer_type initialize load load_parameters load_params name name_scope
    optimize_for params prefix register_child register_forward_hook
    register_forward_pre_hook register_op_hook save save_parameters save_params summary
    """
)
"""Members of `HybridBlock`, and Gluon's names of parameters that weights files call otherwise.

Its private members begin with an underscore, which no attribute of a generated class does.
"""
