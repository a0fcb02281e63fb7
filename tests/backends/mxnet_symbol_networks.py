"""Cases: whole networks, and graphs that exporters get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.backends.mxnet_symbol_cases import Case, function, integers, layer, real, weights

TABLE = (real("N", 6),)


def _block(
    layers: Callable[[Any], dict[str, Any]], forward: Callable[..., Any]
) -> Callable[[Any], Any]:
    """A block of layers from `layers(mx)`, applied by `forward(self, F, ...)`."""

    def build(mx: Any) -> Any:
        class Block(mx.gluon.HybridBlock):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                with self.name_scope():
                    for name, child in layers(mx).items():
                        setattr(self, name, child)

            def hybrid_forward(self, F: Any, *inputs: Any) -> Any:
                return forward(self, F, *inputs)

        return Block()

    return build


def _chain(*parts: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def build(mx: Any) -> Any:
        net = mx.gluon.nn.HybridSequential()
        net.add(*(part(mx) for part in parts))
        return net

    return build


def _cnn() -> Callable[[Any], Any]:
    return _chain(
        layer("Conv2D", 8, 3, padding=1, in_channels=3),
        layer("BatchNorm", in_channels=8),
        layer("Activation", "relu"),
        layer("MaxPool2D", 2),
        layer("Conv2D", 8, 3, padding=1, groups=8, in_channels=8),
        layer("GlobalAvgPool2D"),
        layer("Flatten"),
        layer("Dropout", 0.5),
        layer("Dense", 10, in_units=8),
    )


def _dense_twice(mx: Any) -> dict[str, Any]:
    return {"dense": mx.gluon.nn.Dense(6, in_units=6)}


def _conv_and_norm(mx: Any) -> dict[str, Any]:
    nn = mx.gluon.nn
    return {"conv": nn.Conv2D(4, 1, in_channels=4), "norm": nn.BatchNorm(in_channels=4)}


def _transformer(mx: Any) -> dict[str, Any]:
    nn = mx.gluon.nn
    dense = {"flatten": False}
    return {
        "embed": nn.Embedding(11, 8),
        "norm": nn.LayerNorm(in_channels=8),
        "project": nn.Dense(24, in_units=8, **dense),
        "out": nn.Dense(8, in_units=8, **dense),
        "up": nn.Dense(16, in_units=8, **dense),
        "down": nn.Dense(8, in_units=16, **dense),
    }


def _attend(self: Any, F: Any, tokens: Any) -> Any:
    """One causal block over any number of tokens."""
    x = self.embed(tokens)
    q, k, v = F.split(self.project(self.norm(x)), num_outputs=3, axis=2)
    q, k, v = (_split_heads(F, part) for part in (q, k, v))
    scores = F.batch_dot(q, k, transpose_b=True) * 0.5
    row = F.contrib.arange_like(scores, axis=1)
    visible = F.broadcast_lesser_equal(F.expand_dims(row, 0), F.expand_dims(row, 1))
    visible = F.broadcast_like(F.expand_dims(visible, 0), scores)
    scores = F.where(visible, scores, F.ones_like(scores) * -1e9)
    mixed = F.batch_dot(F.softmax(scores, axis=-1), v)
    mixed = F.transpose(F.reshape(mixed, (-4, -1, 2, 0, 0)), (0, 2, 1, 3))
    x = x + self.out(F.reshape(mixed, (0, 0, -1)))
    return x + self.down(F.LeakyReLU(self.up(self.norm(x)), act_type="gelu"))


def _split_heads(F: Any, x: Any) -> Any:
    return F.reshape(F.transpose(F.reshape(x, (0, 0, 2, -1)), (0, 2, 1, 3)), (-3, 0, 0))


def _tied(F: Any, tokens: Any, w: Any) -> Any:
    h = F.tanh(F.Embedding(tokens, w, input_dim=11, output_dim=6))
    return F.FullyConnected(h, w, no_bias=True, num_hidden=11, flatten=False)


def _u_net(self: Any, F: Any, x: Any) -> Any:
    low = F.Pooling(self.conv(x), kernel=(2, 2), stride=(2, 2), pool_type="max")
    return F.concat(x, F.UpSampling(low, scale=2, sample_type="nearest"), dim=1)


def _networks() -> list[Case]:
    tokens = (integers(0, 11, "N", "T"),)
    return [
        Case("cnn", _cnn(), (real("N", 3, "H", "W"),), dims=(("N", 10),), operators={"Dropout": 0}),
        Case("transformer", _block(_transformer, _attend), tokens, dims=(("N", "T", 8),)),
        Case("tied", function(_tied, w=weights(11, 6)), tokens, dims=(("N", "T", 11),)),
        Case(
            "u_net",
            _block(_conv_and_norm, _u_net),
            (real("N", 4, "2*H", "2*W"),),
            dims=(("N", 8, "2 * H", "2 * W"),),
        ),
        Case(
            "u_net_odd",
            _block(_conv_and_norm, _u_net),
            (real("N", 4, "4*H", "E"),),
            sizes={"E": (8, 12)},
            dims=(("N", 8, "4 * H", "E"),),
        ),
    ]


def _traps() -> list[Case]:
    return [
        Case(
            "shared_last", _block(_dense_twice, lambda s, F, x: s.dense(F.relu(s.dense(x)))), TABLE
        ),
        Case(
            "shared_with_norm",
            _block(_conv_and_norm, lambda s, F, x: s.norm(s.conv(s.norm(s.conv(x))))),
            (real("N", 4, "H", 5),),
        ),
        Case(
            "shared_apart",
            _block(_dense_twice, lambda s, F, x, y: (s.dense(y), s.dense(x))),
            (*TABLE, *TABLE),
            output_names=("second", "first"),
        ),
        Case("outputs_permuted", function(lambda F, x: _permuted(F.relu(x))), TABLE),
        Case("output_twice", function(lambda F, x: _twice(F.relu(x))), TABLE),
        Case("input_as_output", function(lambda F, x: (x, F.relu(x))), TABLE),
        Case("unused_input", function(lambda F, x, y: F.relu(x)), (*TABLE, real("N", "T"))),
        Case("parameter_as_output", function(lambda F, x, w: (x, w * 2), w=weights(3)), TABLE),
        Case("split_reversed", function(_split_reversed), TABLE),
        Case(
            "no_symbolic_dimension",
            layer("Dense", 3, in_units=6),
            (real(2, 6),),
            dims=((2, 3),),
        ),
        Case(
            "input_named_like_output",
            function(lambda F, x: F.relu(x)),
            TABLE,
            output_names=("data",),
            error="`data` is the name of an input and of an output",
        ),
        Case(
            "output_named_like_parameter",
            lambda mx: mx.gluon.nn.Dense(3, in_units=6, prefix="odd_"),
            TABLE,
            output_names=("odd_weight",),
        ),
        Case(
            "too_many_outputs_declared",
            function(lambda F, x: F.relu(x)),
            TABLE,
            output_names=("a", "b"),
            error="the Symbol has 1 outputs, declared are 2",
        ),
        Case(
            "same_weights_same_values",
            function(
                lambda F, x, a, b: F.broadcast_mul(F.broadcast_add(x, a), b), a=_ones(), b=_ones()
            ),
            TABLE,
        ),
    ]


def _permuted(a: Any) -> tuple[Any, Any]:
    return a * 2, a


def _twice(a: Any) -> tuple[Any, Any]:
    return a, a


def _split_reversed(F: Any, x: Any) -> Any:
    return F.concat(*list(F.split(x, num_outputs=6, axis=1))[::-1], dim=1)


def _ones() -> Any:
    return np.ones((1, 6), np.float32)


CASES = (*_networks(), *_traps())
