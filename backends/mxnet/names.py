"""Names that generated MXNet code may not take."""

from __future__ import annotations

from compiler.codegen.script_names import SCRIPT_NAMES, words

RESERVED_NAMES = SCRIPT_NAMES | words(
    """
    Adadelta Adagrad AdamW F GLOROT_NORMAL GLOROT_UNIFORM GateWiseOrthogonal GroupNorm
    HE_NORMAL HE_UNIFORM Identity LECUN_NORMAL LayerNorm Lion NAdam Nesterov
    NormalAround Orthogonal ParameterList RMSNorm RMSProp TruncatedNormal UniformBetween _below
    amp attention autograd binary_cross_entropy binary_cross_entropy_with_logits block_list
    celu class_loss cosine_distance cumsum find_device floor_divide floor_divide_by
    gelu_tanh gluon gradients hard_swish huber is_nan kl_div logsumexp mish
    mixed_precision mx named_parameters nd nn one_bias one_hot reseed rnn
    round_half_to_even selu silu slots softmax_cross_entropy topk_of_integers tqdm trained
    tril triu value variance where with_layers
    """
)
"""Module-level names of scripts."""

RESERVED_ATTRIBUTES = words(
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
