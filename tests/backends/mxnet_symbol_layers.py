"""Cases: convolution, pooling, dense, normalisation, matrix products, resizing."""

from __future__ import annotations

from typing import Any

from tests.backends.mxnet_symbol_cases import (
    Case,
    function,
    layer,
    real,
)

IMAGE = (real("N", 4, "H", "W"),)
SERIES = (real("N", 4, "T"),)
VOLUME = (real("N", 4, 5, 6, "W"),)
FIXED = (real("N", 4, 9, 8),)


def _convolutions() -> list[Case]:
    half = ("N", 6, "(H + 1) // 2", "W")
    return [
        Case("conv1d", layer("Conv1D", 6, 3, 2, 1, in_channels=4), SERIES),
        Case("conv2d", layer("Conv2D", 6, (3, 2), (2, 1), (1, 0), in_channels=4), IMAGE),
        Case(
            "conv2d_halved",
            layer("Conv2D", 6, 3, (2, 1), 1, in_channels=4),
            IMAGE,
            dims=(half,),
            operators={"Conv": 1},
        ),
        Case(
            "conv2d_groups", layer("Conv2D", 6, 3, groups=2, in_channels=4, use_bias=False), IMAGE
        ),
        Case("conv2d_dilated", layer("Conv2D", 6, 3, 1, (2, 1), (2, 1), in_channels=4), IMAGE),
        Case("conv2d_depthwise", layer("Conv2D", 8, 3, 1, 1, groups=4, in_channels=4), IMAGE),
        Case("conv3d", layer("Conv3D", 5, 3, (1, 2, 1), 1, in_channels=4), VOLUME),
        Case("conv3d_groups", layer("Conv3D", 4, 3, 1, 2, 2, groups=2, in_channels=4), VOLUME),
        Case("conv1d_up", layer("Conv1DTranspose", 6, 3, 2, 1, 1, in_channels=4), SERIES),
        Case(
            "conv2d_up",
            layer("Conv2DTranspose", 6, 3, 2, 1, 1, in_channels=4),
            IMAGE,
            dims=(("N", 6, "2 * H", "2 * W"),),
        ),
        Case(
            "conv2d_up_groups",
            layer(
                "Conv2DTranspose",
                6,
                (3, 4),
                (2, 3),
                (1, 0),
                groups=2,
                use_bias=False,
                in_channels=4,
            ),
            IMAGE,
        ),
        Case("conv2d_up_dilated", layer("Conv2DTranspose", 6, 3, 2, 1, 0, 2, in_channels=4), IMAGE),
        Case("conv3d_up", layer("Conv3DTranspose", 3, 3, 2, 1, 1, in_channels=4), VOLUME),
    ]


def _pool(**options: Any) -> Any:
    return function(lambda F, x: F.Pooling(x, **options))


def _pooling() -> list[Case]:
    window: dict[str, Any] = {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 0)}
    cases = [
        Case("max_pool1d", layer("MaxPool1D", 3, 2, 1), SERIES),
        Case("max_pool2d", layer("MaxPool2D", 3, 2, 1), IMAGE),
        Case("max_pool3d", layer("MaxPool3D", 2, 2), VOLUME),
        Case("avg_pool1d", layer("AvgPool1D", 3, 2, 1), SERIES),
        Case("avg_pool2d", layer("AvgPool2D", 3, 2, 1), IMAGE),
        Case("avg_pool2d_real", layer("AvgPool2D", 3, 2, 1, count_include_pad=False), IMAGE),
        Case("avg_pool3d", layer("AvgPool3D", 2, 2), VOLUME),
        Case("max_pool2d_default_stride", _pool(kernel=(2, 2), pool_type="max"), IMAGE),
        Case("sum_pool2d", _pool(pool_type="sum", **window), IMAGE),
        Case("lp_pool2d", _pool(pool_type="lp", p_value=2, **window), IMAGE),
        Case(
            "max_pool2d_ceil", layer("MaxPool2D", 3, 2, ceil_mode=True), IMAGE, error="floor mode"
        ),
        Case("adaptive_avg_one", _adaptive(1), IMAGE),
        Case("adaptive_avg", _adaptive((3, 2)), FIXED),
        Case("adaptive_avg_symbolic", _adaptive((3, 2)), IMAGE, error="symbolic dimension"),
    ]
    cases += [
        Case(f"global_{kind.lower()}_{axes}d", layer(f"Global{kind}Pool{axes}D"), inputs)
        for axes, inputs in ((1, SERIES), (2, IMAGE), (3, VOLUME))
        for kind in ("Avg", "Max")
    ]
    cases += [
        Case("global_sum_2d", _pool(pool_type="sum", global_pool=True, kernel=(1, 1)), IMAGE),
    ]
    return cases


def _adaptive(size: int | tuple[int, int]) -> Any:
    return function(lambda F, x: F.contrib.AdaptiveAvgPooling2D(x, output_size=size))


def _dense() -> list[Case]:
    table = (real("N", 7),)
    steps = (real("N", "T", 8),)
    return [
        Case("dense", layer("Dense", 5, in_units=7), table, operators={"Gemm": 1}),
        Case("dense_no_bias", layer("Dense", 5, in_units=7, use_bias=False), table),
        Case("dense_flatten", layer("Dense", 5, in_units=288), FIXED),
        Case("dense_steps", layer("Dense", 5, in_units=8, flatten=False), steps),
        Case(
            "dense_steps_no_bias",
            layer("Dense", 5, in_units=8, flatten=False, use_bias=False),
            steps,
            dims=(("N", "T", 5),),
        ),
        Case("dense_f64", layer("Dense", 5, in_units=7, dtype="float64"), (_f64("N", 7),), 1e-12),
    ]


def _f64(*shape: int | str) -> Any:
    return real(*shape, dtype="float64")


def _normalisation() -> list[Case]:
    normalize = {"eps": 0.1}
    big = (real("N", "T", 4),)

    def l2(mode: str) -> Any:
        return function(lambda F, x: F.L2Normalization(x, mode=mode, **normalize))

    return [
        Case("batch_norm", layer("BatchNorm", in_channels=4), IMAGE),
        Case("batch_norm_table", layer("BatchNorm", in_channels=4), (real("N", 4),)),
        Case("batch_norm_epsilon", layer("BatchNorm", in_channels=4, epsilon=0.3), IMAGE),
        Case("batch_norm_fixed_gamma", layer("BatchNorm", in_channels=4, scale=False), IMAGE),
        Case("batch_norm_no_beta", layer("BatchNorm", in_channels=4, center=False), IMAGE),
        Case("batch_norm_last", layer("BatchNorm", axis=-1, in_channels=4), big),
        Case("layer_norm", layer("LayerNorm", in_channels=4), big),
        Case("layer_norm_axis", layer("LayerNorm", axis=1, in_channels=4), IMAGE),
        Case("layer_norm_epsilon", layer("LayerNorm", in_channels=4, epsilon=0.3), big),
        Case("instance_norm", layer("InstanceNorm", in_channels=4, epsilon=0.2), IMAGE),
        Case("instance_norm_1d", layer("InstanceNorm", in_channels=4), SERIES),
        Case("group_norm", layer("GroupNorm", num_groups=2), IMAGE),
        Case("l2_instance", l2("instance"), IMAGE),
        Case("l2_channel", l2("channel"), IMAGE),
        Case("l2_spatial", l2("spatial"), IMAGE),
        Case("lrn", function(lambda F, x: F.LRN(x, nsize=3, alpha=0.1, beta=0.6, knorm=1)), IMAGE),
    ]


def _products() -> list[Case]:
    def batch(a: bool, b: bool) -> Any:
        return function(lambda F, x, y: F.batch_dot(x, y, transpose_a=a, transpose_b=b))

    def dot(**options: bool) -> Any:
        return function(lambda F, x, y: F.dot(x, y, **options))

    left, right = ("N", "T", 5), ("N", 5, 6)
    return [
        Case("batch_dot", batch(False, False), (real(*left), real(*right))),
        Case("batch_dot_ta", batch(True, False), (real("N", 5, "T"), real(*right))),
        Case("batch_dot_tb", batch(False, True), (real(*left), real("N", "S", 5))),
        Case("batch_dot_tab", batch(True, True), (real("N", 5, "T"), real("N", "S", 5))),
        Case(
            "batch_dot_self",
            function(lambda F, x: F.batch_dot(x, x, transpose_b=True)),
            (real(*left),),
            dims=(("N", "T", "T"),),
        ),
        Case(
            "gemm2",
            function(lambda F, a, b: F.linalg_gemm2(a, b, transpose_b=True, alpha=0.5)),
            (real("N", 3, "T", 5), real("N", 3, "S", 5)),
        ),
        Case(
            "gemm",
            function(lambda F, a, b, c: F.linalg_gemm(a, b, c, alpha=2.0, beta=-0.5)),
            (real(*left), real(*right), real("N", "T", 6)),
        ),
        Case("dot", dot(), (real("N", 4), real(4, 5))),
        Case("dot_ta", dot(transpose_a=True), (real(4, "N"), real(4, 5))),
        Case("dot_tb", dot(transpose_b=True), (real("N", 4), real(5, 4))),
        Case("dot_3d", dot(), (real("N", "T", 4), real(4, 5))),
        Case("dot_nd", dot(), (real("N", "T", 4), real(4, "S", 5))),
        Case("dot_vectors", dot(), (real("T"), real("T"))),
    ]


def _sampling() -> list[Case]:
    def resize(**options: Any) -> Any:
        return function(lambda F, x: F.contrib.BilinearResize2D(x, **options))

    return [
        Case(
            "upsampling",
            function(lambda F, x: F.UpSampling(x, scale=3, sample_type="nearest")),
            IMAGE,
            dims=(("N", 4, "3 * H", "3 * W"),),
        ),
        Case("resize_corners", resize(height=18, width=15), IMAGE),
        Case("resize_half_pixel", resize(height=18, width=15, align_corners=False), IMAGE),
        Case(
            "resize_like",
            function(lambda F, x, y: F.contrib.BilinearResize2D(x, y, mode="like")),
            (real("N", 4, 9, 8), real("N", 4, "H", "W")),
            dims=(("N", 4, "H", "W"),),
        ),
        Case(
            "bilinear_sampler",
            function(lambda F, x, g: F.BilinearSampler(x, g)),
            (real("N", 4, "H", "W"), real("N", 2, 5, 6)),
        ),
    ]


CASES = (
    *_convolutions(),
    *_pooling(),
    *_dense(),
    *_normalisation(),
    *_products(),
    *_sampling(),
)
