"""Names that users of Python and of the frameworks bring along, and what is written here instead.

Only advice comes from these tables: what a model means never depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tercet.dsl.library import std_blocks
from tercet.dsl.syntax_hints import nearest

_MODULES: Final = frozenset(
    [
        "torch",
        "nn",
        "F",
        "tf",
        "keras",
        "layers",
        "mx",
        "gluon",
        "np",
        "numpy",
        "jnp",
        "jax",
        "math",
        "random",
        "os",
        "sys",
    ]
)

_LITERALS: Final = {
    "True": "true",
    "False": "false",
    "None": "none",
    "null": "none",
    "nil": "none",
}

_NAMES: Final = {
    "linear": "dense(units)",
    "fullyconnected": "dense(units)",
    "fc": "dense(units)",
    "cat": "concat([a, b], axis = 1)",
    "concatenate": "concat([a, b], axis = 1)",
    "hstack": "concat([a, b], axis = 1)",
    "vstack": "concat([a, b], axis = 0)",
    "view": "reshape(x, [N, 3])",
    "convolution": "conv2d(channels, kernel)",
    "conv": "conv2d(channels, kernel)",
    "conv2dtranspose": "conv_transpose2d(channels, kernel)",
    "maxpool": "max_pool2d(kernel)",
    "maxpooling2d": "max_pool2d(kernel)",
    "avgpool": "avg_pool2d(kernel)",
    "averagepooling2d": "avg_pool2d(kernel)",
    "globalaveragepooling2d": "global_avg_pool2d",
    "batchnormalization": "batch_norm",
    "layernormalization": "layer_norm",
    "groupnormalization": "group_norm",
    "simplernn": "rnn(units)",
    "lstmcell": "lstm(units)",
    "grucell": "gru(units)",
    "attention": "scaled_dot_product_attention(q, k, v)",
    "sdpa": "scaled_dot_product_attention(q, k, v)",
    "dotproductattention": "scaled_dot_product_attention(q, k, v)",
    "swish": "silu",
    "clamp": "clip(x, low, high)",
    "clipbyvalue": "clip(x, low, high)",
    "expanddims": "unsqueeze(x, axis)",
    "swapaxes": "transpose(x, axes)",
    "adaptiveaveragepooling2d": "adaptive_avg_pool2d(size)",
    "adaptiveavgpooling2d": "adaptive_avg_pool2d(size)",
    "adaptivemaxpooling2d": "adaptive_max_pool2d(size)",
    "interpolate": "resize(x, sizes)",
    "gridsample": "grid_sample(x, grid)",
    "gridgenerator": "grid_sample(x, grid)",
    "bilinearsampler": "grid_sample(x, grid, align_corners = true)",
    "upsampling1d": "upsample(x, 2)",
    "upsampling2d": "upsample(x, 2)",
    "upsampling3d": "upsample(x, 2)",
    "bilinearresize2d": 'resize(x, sizes, mode = "linear")',
    "arcsin": "asin(x)",
    "arccos": "acos(x)",
    "arctan": "atan(x)",
    "arcsinh": "asinh(x)",
    "arccosh": "acosh(x)",
    "arctanh": "atanh(x)",
    "depthtospace": "pixel_shuffle(x, factor)",
    "spacetodepth": "pixel_unshuffle(x, factor)",
    "lrn": "local_response_norm(size)",
    "unstack": "unbind(x, axis = 0)",
    "argsort": "sort(x)",
    "droppath": "stochastic_depth(rate)",
    "dropout1d": "channel_dropout(rate)",
    "dropout2d": "channel_dropout(rate)",
    "dropout3d": "channel_dropout(rate)",
    "spatialdropout1d": "channel_dropout(rate)",
    "spatialdropout2d": "channel_dropout(rate)",
    "spatialdropout3d": "channel_dropout(rate)",
    "gatherelements": "take_along_axis(x, indices, axis)",
    "takealongdim": "take_along_axis(x, indices, axis)",
    "scatterelements": "scatter(x, indices, updates, axis = 1)",
    "scatteradd": 'scatter(x, indices, updates, reduction = "add")',
    "indexadd": 'scatter_nd(x, indices, updates, reduction = "add")',
    "indexput": "scatter_nd(x, indices, updates)",
    "tensordot": 'einsum([a, b], "ij,jk->ik")',
    "ger": "outer(a, b)",
    "globalmaxpooling1d": "global_max_pool1d",
    "globalmaxpooling2d": "global_max_pool2d",
    "globalmaxpooling3d": "global_max_pool3d",
    "normalize": "layer_norm",
    "normalise": "layer_norm",
    "l2normalize": "divide(x, l2(x, axis = 1, keepdims = true))",
    "pow": "a ** b",
    "mm": "a @ b",
    "bmm": "a @ b",
    "dot": "a @ b",
    "add": "a + b",
    "mul": "a * b",
    "multiply": "a * b",
    "subtract": "a - b",
    "divide": "a / b",
    "reducemean": "mean(x, axis = 1)",
    "reducesum": "sum(x, axis = 1)",
    "reducemax": "max(x, axis = 1)",
    "amax": "max(x, axis = 1)",
    "amin": "min(x, axis = 1)",
    "astype": "cast(x, f32)",
    "tofloat": "cast(x, f32)",
    "crossentropyloss": "cross_entropy(logits, label)",
    "sparsecategoricalcrossentropy": "cross_entropy(logits, label)",
    "categoricalcrossentropy": "cross_entropy(logits, label)",
    "binarycrossentropyloss": "binary_cross_entropy(probability, label)",
    "bceloss": "binary_cross_entropy(probability, label)",
    "bce": "binary_cross_entropy(probability, label)",
    "bcewithlogitsloss": "binary_cross_entropy_with_logits(logits, label)",
    "focalloss": "focal(logits, label)",
    "sigmoidfocalloss": "focal(logits, label)",
    "binaryfocalcrossentropy": "focal(logits, label)",
    "categoricalfocalcrossentropy": "softmax_focal(logits, label)",
    "mseloss": "mse(prediction, label)",
    "meansquarederror": "mse(prediction, label)",
    "l1loss": "mae(prediction, label)",
    "meanabsoluteerror": "mae(prediction, label)",
    "ctcloss": "ctc(logits, label, label_lengths)",
    "nllloss": "nll(log_probability, label)",
    "randn": "random_normal(shape)",
    "rand": "random_uniform(shape)",
    "detach": "stop_gradient(x)",
    "nograd": "stop_gradient(x)",
}
"""Spelt without underscores and capitals, as `_fold` gives them."""

_METHODS: Final = {
    "T": "transpose({0})",
    "t": "transpose({0})",
    "mT": "transpose({0})",
    "size": "{0}.shape",
    "dim": "{0}.rank",
    "ndim": "{0}.rank",
    "view": "reshape({0}, […])",
    "float": "cast({0}, f32)",
    "long": "cast({0}, i64)",
    "to": "cast({0}, f32)",
    "type": "cast({0}, f32)",
    "astype": "cast({0}, f32)",
    "detach": "stop_gradient({0})",
}

_ARGUMENTS: Final = {
    "kernel_size": ("kernel",),
    "pool_size": ("kernel",),
    "window": ("kernel",),
    "filters": ("channels",),
    "out_channels": ("channels",),
    "num_filter": ("channels",),
    "out_features": ("units",),
    "output_dim": ("dim", "units"),
    "num_hidden": ("units",),
    "hidden_size": ("units",),
    "hidden": ("units",),
    "features": ("units", "channels"),
    "embedding_dim": ("dim", "units"),
    "num_layers": ("layers",),
    "num_heads": ("heads",),
    "strides": ("stride",),
    "pad": ("padding",),
    "use_bias": ("bias",),
    "p": ("rate",),
    "prob": ("rate",),
    "dim": ("axis",),
    "dims": ("axis", "axes"),
    "axes": ("axis",),
    "axis": ("axes",),
    "upscale_factor": ("factor",),
    "downscale_factor": ("factor",),
    "block_size": ("factor",),
    "blocksize": ("factor",),
    "norm_type": ("p",),
    "elementwise_affine": ("affine",),
    "lambd": ("threshold",),
    "theta": ("threshold",),
    "keepdim": ("keepdims",),
    "epsilon": ("eps",),
    "learning_rate": ("lr",),
    "alpha": ("lr",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "betas": ("beta1",),
    "decay": ("weight_decay",),
    "wd": ("weight_decay",),
    "kernel_initializer": ("init",),
    "weight_initializer": ("init",),
    "bias_initializer": ("bias_init",),
    "num_groups": ("groups",),
    "attn_mask": ("mask",),
    "is_causal": ("causal",),
    "step_size": ("size",),
    "test_size": ("split",),
    "validation_split": ("split",),
}

_SETTINGS: Final = {
    "batch_size": "batch",
    "batchsize": "batch",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "max_epochs": "epochs",
    "learning_rate": "optimizer",
    "lr": "optimizer",
    "optim": "optimizer",
    "loss_fn": "loss",
    "loss_function": "loss",
    "criterion": "loss",
    "lr_scheduler": "schedule",
    "lr_schedule": "schedule",
    "dataset": "data",
    "random_seed": "seed",
    "grad_clip": "clip",
    "clip_grad": "clip",
    "clip_norm": "clip",
}

_LEFT_OUT: Final = {
    **dict.fromkeys(
        ("in_channels", "in_features", "in_units", "input_shape", "input_size", "input_dim"),
        "leave it out: the sizes of parameters follow from the input",
    ),
    "inplace": "leave it out: every value is new",
    "batch_first": "leave it out: sequences are [N, T, C]",
    "return_sequences": "leave it out: the whole sequence comes; `y[:, -1]` is its last step",
    "data_format": "leave it out: layouts are channels-first",
    "dtype": "leave it out: layers take the dtype of their input; `cast(x, f32)` converts",
    "device": "leave it out: the script's `--device` chooses",
}


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


_NOTHING: Final = ("identity", "passthrough", "noop", "nop")
"""What others call a layer that does nothing."""


def about_name(name: str, known: Iterable[str]) -> str | None:
    """What to write for a name that is not defined, or None where nothing comes near."""
    if name in _LITERALS:
        return f"write `{_LITERALS[name]}`"
    if name in _MODULES:
        return "operations stand alone, without a module: `dense(10)`, `relu`, `sqrt(x)`"
    if _fold(name) in _NOTHING:
        return "leave it out: a tensor is passed on unchanged by its name"
    habit = _NAMES.get(_fold(name))
    if habit is not None:
        return f"write `{habit}`"
    for block, module in std_blocks().items():
        if _fold(block) == _fold(name):
            return f"import it: `from {module} import {block}`"
    close = nearest(name, known)
    return None if close is None else f"did you mean `{close}`?"


def about_attribute(name: str, tensor: str, is_operation: bool) -> str:
    """What to write for `x.name`, which a tensor does not have; `tensor` is the text of `x`."""
    if name in _METHODS:
        return f"write `{_METHODS[name].format(tensor)}`"
    if is_operation:
        return f"operations are functions: write `{name}({tensor})` or `{tensor} |> {name}`"
    return "it has `shape`, `dtype` and `rank`"


def about_setting(name: str, known: Iterable[str]) -> str | None:
    """What to write for a name that looks like a setting of `train`, or None."""
    meant = _SETTINGS.get(name)
    if name in ("lr", "learning_rate"):
        return "it belongs to the optimizer: `optimizer = adam(lr = …)`"
    if meant is not None:
        return f"write `{meant} = …`"
    close = nearest(name, known)
    return None if close is None else f"did you mean `{close}`?"


def about_argument(function: str, name: str, known: Iterable[str]) -> str | None:
    """What to write for an argument that `function` does not take, or None."""
    names = list(known)
    for meant in _ARGUMENTS.get(name, ()):
        if meant in names:
            return f"write `{meant} = …`"
    if name in _LEFT_OUT:
        return _LEFT_OUT[name]
    if name == "activation":
        return f"pipe the result into it: `x |> {function}(…) |> relu`"
    close = nearest(name, names)
    return None if close is None else f"did you mean `{close}`?"
