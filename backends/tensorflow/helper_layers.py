"""Layers and initializers that Keras lacks, or that its exporter does not know, as script text."""

from __future__ import annotations

from tercet.codegen.script.pieces import Piece

_CONVOLUTION = '''\
class GroupedConv{rank}D(layers.Conv{rank}D):
    """Keras runs groups through XLA, which has no ONNX form: only in training, then."""

    def call(self, x, training=None):
        if training:
            return super().call(x)
        y = tf.nn.convolution(
            x, self.kernel, self.strides, self.padding.upper(), dilations=self.dilation_rate
        )
        return y + self.bias if self.use_bias else y'''

_RECURRENT = '''\
class Recurrent(layers.Layer):
    """Recurrent layers one on another, each in one direction or in both.

    Gives the sequence and the last states, [layers * directions, N, units] each.
    `step_mask` [N, T] is true at the steps that count.
    """

    def __init__(self, make, count=1, bidirectional=False, name=None):
        super().__init__(name=name)
        backwards = (False, True) if bidirectional else (False,)
        self.levels = [
            [
                make(
                    return_sequences=True,
                    return_state=True,
                    go_backwards=back,
                    name=f"{level}_reverse" if back else str(level),
                )
                for back in backwards
            ]
            for level in range(count)
        ]

    def build(self, input_shape):
        for level in self.levels:
            for layer in level:
                layer.build(input_shape)
            input_shape = (*input_shape[:-1], layer.units * len(level))

    def call(self, x, initial=None, step_mask=None):
        finals = []
        for level in self.levels:
            sequences = []
            for layer in level:
                start = initial and [state[len(finals)] for state in initial]
                sequence, *states = layer(x, initial_state=start, mask=step_mask)
                if layer.go_backwards:
                    sequence = tf.reverse(sequence, axis=[1])
                sequences.append(sequence)
                finals.append(states)
            x = tf.concat(sequences, axis=-1)
        return x, *map(tf.stack, zip(*finals, strict=True))'''

_DROPPING = (
    _RECURRENT.replace("class Recurrent", "class DroppingRecurrent")
    .replace("each in one direction or in both.", "with dropout between them.")
    .replace("make, count=1,", "make, between, count=1,")
    .replace("        backwards =", "        self.between = between\n        backwards =")
    .replace(
        "            x = tf.concat(sequences, axis=-1)",
        "            x = tf.concat(sequences, axis=-1)\n"
        "            if level is not self.levels[-1]:\n"
        "                x = self.between(x)",
    )
)

_TRANSPOSED = '''\
class LongerConv{rank}DTranspose(layers.Conv{rank}DTranspose):
    """Appends `output_padding` to what the windows cover; ONNX's exporter cannot."""

    def call(self, x):
        batch, *sizes, _ = tf.unstack(tf.shape(x))
        axes = zip(sizes, self.strides, self.kernel_size, strict=True)
        covered = [(n - 1) * stride + kernel for n, stride, kernel in axes]
        shape = tf.stack([batch, *covered, self.filters])
        y = tf.nn.conv_transpose(x, self.kernel, shape, self.strides, "VALID")
        ends = [(0, extra) for extra in self.output_padding]
        y = tf.pad(y, [(0, 0), *ends, (0, 0)])
        return y + self.bias if self.use_bias else y'''

_GROUPED = '''\
class {name}Conv{rank}DTranspose(layers.Layer):
    """A transposed convolution {with_what}, which Keras lacks."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides={ones},
        output_padding={zeros},
        dilation_rate={ones},
        groups=1,
        use_bias=True,
        kernel_initializer="he_uniform",
        bias_initializer="zeros",
        name=None,
    ):
        super().__init__(name=name)
        self.filters, self.groups, self.use_bias = filters, groups, use_bias
        self.kernel_size, self.strides = kernel_size, strides
        self.output_padding, self.dilation_rate = output_padding, dilation_rate
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape):
        shape = (*self.kernel_size, self.filters // self.groups, input_shape[-1])
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=self.kernel_initializer
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer=self.bias_initializer
            )

    def call(self, x):
        kernel = {kernel}
        batch, *sizes, _ = tf.unstack(tf.shape(x))
        axes = zip(sizes, self.strides, kernel.shape[:{rank}], strict=True)
        covered = [(n - 1) * stride + extent for n, stride, extent in axes]
        shape = tf.stack([batch, *covered, self.filters // self.groups])
        parts = zip(tf.split(x, self.groups, -1), tf.split(kernel, self.groups, -1))
        y = tf.concat(
            [tf.nn.conv_transpose(x, k, shape, self.strides, "VALID") for x, k in parts],
            axis=-1,
        )
        ends = [(0, extra) for extra in self.output_padding]
        y = tf.pad(y, [(0, 0), *ends, (0, 0)])
        return y + self.bias if self.use_bias else y'''

_SPREAD = '''

    def spread(self):
        """The kernel with zeros between its cells."""
        places = [
            tf.one_hot(range(0, k * rate, rate), (k - 1) * rate + 1, dtype=self.kernel.dtype)
            for k, rate in zip(self.kernel_size, self.dilation_rate, strict=True)
        ]
        return tf.einsum("{before}oi,{pairs}->{after}oi", self.kernel, *places)'''


def _grouped_transposed(name: str, rank: int) -> Piece:
    """A transposed convolution with groups, or with a dilation as well."""
    small, large = "abc"[:rank], "ABC"[:rank]
    dilated = name == "Dilated"
    text = _GROUPED.format(
        name=name,
        rank=rank,
        with_what="with a stride and a dilation" if dilated else "with groups",
        ones=(1,) * rank,
        zeros=(0,) * rank,
        kernel="self.spread()" if dilated else "self.kernel",
    )
    if dilated:
        pairs = ",".join(a + b for a, b in zip(small, large, strict=True))
        text += _SPREAD.format(before=small, pairs=pairs, after=large)
    return Piece(text)


LAYERS = {
    "DepthwiseConv2D": Piece(
        '''\
class DepthwiseConv2D(layers.Conv2D):
    """A convolution of every channel by itself."""

    def convolution_op(self, x, kernel):
        kernel = tf.reshape(kernel, (*self.kernel_size, self.groups, -1))
        strides, padding = (1, *self.strides, 1), self.padding.upper()
        return tf.nn.depthwise_conv2d(
            x, kernel, strides, padding, dilations=self.dilation_rate
        )'''
    ),
    **{f"GroupedConv{rank}D": Piece(_CONVOLUTION.format(rank=rank)) for rank in (1, 2)},
    **{f"LongerConv{rank}DTranspose": Piece(_TRANSPOSED.format(rank=rank)) for rank in (1, 2, 3)},
    **{
        f"{name}Conv{rank}DTranspose": _grouped_transposed(name, rank)
        for name in ("Grouped", "Dilated")
        for rank in (1, 2, 3)
    },
    "GroupedConv3D": Piece(
        '''\
class GroupedConv3D(layers.Conv3D):
    """A convolution group by group: TensorFlow has no 3-D one with groups."""

    def convolution_op(self, x, kernel):
        strides, dilations = (1, *self.strides, 1), (1, *self.dilation_rate, 1)
        parts = zip(tf.split(x, self.groups, -1), tf.split(kernel, self.groups, -1))
        padding = self.padding.upper()
        return tf.concat(
            [tf.nn.conv3d(x, k, strides, padding, dilations=dilations) for x, k in parts],
            axis=-1,
        )'''
    ),
    "SymmetricConv2D": Piece(
        '''\
class SymmetricConv2D(layers.Conv2D):
    """Keras' "same" may pad less at the start at a stride; this one pads both sides."""

    def convolution_op(self, x, kernel):
        if self.padding == "same" and max(self.strides) > 1:
            pads = [((k - 1) // 2, k // 2) for k in self.kernel_size]
            x = tf.pad(x, [(0, 0), *pads, (0, 0)])
            return tf.nn.conv2d(x, kernel, self.strides, "VALID")
        return super().convolution_op(x, kernel)'''
    ),
    "PReLU": Piece(
        '''\
class PReLU(layers.PReLU):
    """At 0 Keras' own has no gradient, here it is that from the left."""

    def call(self, x):
        return tf.nn.relu(x) + self.alpha * tf.minimum(x, 0.0)'''
    ),
    "Dropout": Piece(
        '''\
class Dropout(layers.Layer):
    """Zeros where `draws` says so, the same in every framework: elements, or all that
    is at one place of the first axes, so many."""

    def __init__(self, rate, axes=None, name=None):
        super().__init__(name=name)
        self.rate = rate
        self.axes = axes

    def call(self, x, training=None, channels_last=False):
        if not training:
            return x
        shape = tuple(x.shape)
        if channels_last:
            shape = (shape[0], shape[-1], *shape[1:-1])
        first = len(shape) if self.axes is None else self.axes
        shape = (*shape[:first], *(1,) * (len(shape) - first))
        kept = draws.of(self.source_name).random(shape) >= self.rate
        kept = np.moveaxis(kept, 1, -1) if channels_last else kept
        return x * tf.cast(kept, x.dtype) / (1 - self.rate)''',
        ("import numpy as np",),
    ),
    "OrthogonalGates": Piece(
        '''\
class OrthogonalGates(keras.initializers.Orthogonal):
    """An orthogonal matrix for every gate of a recurrent kernel."""

    def __call__(self, shape, dtype=None):
        units, gates = shape[0], shape[1] // shape[0]
        draws = keras.random.SeedGenerator(self._init_seed)
        make = keras.initializers.Orthogonal(self.gain, seed=draws)
        return tf.concat([make((units, units), dtype) for _ in range(gates)], axis=1)'''
    ),
    "Recurrent": Piece(_RECURRENT),
    "DroppingRecurrent": Piece(_DROPPING),
}
