"""What scripts say in small: phrases of people who know the framework, nothing superfluous."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tercet.backends.base import Place
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tercet.project import FRAMEWORKS, backend


@dataclass(frozen=True)
class Case:
    """A model, and what its scripts say and do not say."""

    name: str
    body: str
    said: str
    unsaid: str
    targets: tuple[str, ...] = FRAMEWORKS


_UNIT = """
block Unit(stride = 1) {
    input x: f32[N, 4, S]
    h = x |> conv1d(4, 3, stride = stride, padding = 1)
    output if stride == 1 { x + h } else { h }
}
"""

CASES = [
    Case(
        "pooled_and_flattened",
        "model M { input x: f32[N, 4, 9, 9]\n output y = x |> global_avg_pool2d |> flatten }",
        "x.mean(dim=(2, 3))",
        "flatten(1)",
        ("pytorch",),
    ),
    Case(
        "maximum_flattened",
        "model M { input x: f32[N, 4, 9, 9]\n output y = x |> global_max_pool2d |> flatten }",
        "x.amax(dim=(2, 3))",
        "flatten(1)",
        ("pytorch",),
    ),
    Case(
        "a_mean_of_more_axes_is_flattened_after_it",
        "model M { input x: f32[N, 4, 9, 9, 2]\n"
        " output y = x |> mean(axis = [2, 3], keepdims = true) |> flatten }",
        "x.mean(dim=(2, 3), keepdim=True).flatten(1)",
        "dim=(2, 3))",
        ("pytorch",),
    ),
    Case(
        "pooled_to_one_and_flattened",
        "model M { input x: f32[N, 4, 9, 9]\n"
        " output y = x |> adaptive_avg_pool2d(1) |> relu |> squeeze(axis = [2, 3]) }",
        "mean(",
        "(2, 3), keepdim",
        ("pytorch", "mxnet"),
    ),
    Case(
        "pooled_and_flattened_in_gluon",
        "model M { input x: f32[N, 4, 9, 9]\n output y = x |> global_max_pool2d |> flatten }",
        "return F.max(x, axis=(2, 3))  # [N, 4]",
        "F.flatten",
        ("mxnet",),
    ),
    Case(
        "what_is_pooled_keeps_its_axes_where_any_use_needs_them",
        "model M { input x: f32[N, 4, 9, 9]\n h = x |> global_avg_pool2d\n"
        " output scaled = x * h, flat = h |> flatten }",
        "h = F.mean(x, axis=(2, 3), keepdims=True)  # [N, 4, 1, 1]",
        "axis=(2, 3))",
        ("mxnet",),
    ),
    Case(
        "a_pooled_value_with_a_name_has_its_shape_beside_it",
        "model M { input x: f32[N, 4, 9, 9]\n h = x |> global_avg_pool2d |> relu\n"
        " a = h |> flatten\n b = h |> flatten\n output c = a |> dense(3), d = b |> dense(2) }",
        "relu(x.mean(dim=(2, 3)))  # [N, 4]",
        "flatten(",
        ("pytorch",),
    ),
    Case(
        "relu_of_dense_layers_in_gluon",
        "model M { input x: f32[N, 4]\n output y = x |> dense(5) |> relu }",
        "F.relu(self.dense(x))",
        "F.Activation",
        ("mxnet",),
    ),
    Case(
        "relu_of_convolutions_in_gluon",
        "block B { input x: f32[N, D]\n output x |> dense(5) |> relu }\n"
        "model M { input x: f32[N, 1, 4, 4]\n output y = x |> conv2d(2, 3) |> flatten |> B }",
        'F.Activation(self.dense(x), act_type="relu")',
        "F.relu",
        ("mxnet",),
    ),
    Case(
        "what_three_layers_share_is_said_once_in_gluon",
        "model M { input x: f32[N, 4]\n output y = x |> dense(5) |> dense(6) |> dense(7) }",
        "dense = partial(nn.Dense, weight_initializer=GLOROT_UNIFORM)\n",
        "nn.Dense(",
        ("mxnet",),
    ),
    Case(
        "what_three_layers_share_is_said_once_in_keras",
        "model M { input x: f32[N, 4]\n output y = x |> dense(5) |> dense(6) |> dense(7) }",
        'dense = partial(layers.Dense, kernel_initializer="glorot_uniform")\n',
        "layers.Dense(",
        ("tensorflow",),
    ),
    Case(
        "what_two_layers_share_stands_at_both",
        "model M { input x: f32[N, 4]\n output y = x |> dense(5) |> dense(6) }",
        "Dense(5, ",
        "partial(",
        ("tensorflow", "mxnet"),
    ),
    Case(
        "arguments_named_like_a_helper_bring_none",
        "model M { input x: f32[N, T, 4]\n output y = scaled_dot_product_attention(x, x, x) }",
        "def attention(F, query, key, value",
        "def value(",
        ("mxnet",),
    ),
    Case(
        "an_input_is_turned_where_it_is_used",
        "model M { input x: f32[N, 3, 8, 8]\n h = x |> conv2d(4, 3)\n output y = h * relu(h) }",
        "h = self.conv2d(tf.transpose(x, (0, 2, 3, 1)))",
        "x = tf",
        ("tensorflow",),
    ),
    Case(
        "an_input_that_is_used_twice_is_turned_under_another_name",
        "model M { input x: f32[N, 3, 8, 8]\n a = x |> conv2d(3, 3, padding = 1)\n"
        " output y = (a * x) |> max_pool2d(2) }",
        "        h = tf.transpose(x, (0, 2, 3, 1))  # [N, 8, 8, 3]\n",
        " x = tf",
        ("tensorflow",),
    ),
    Case(
        "several_inputs_are_turned_under_names_of_their_own",
        "model M { input wave: f32[N, 3, 8]\n input image: f32[N, 3, 8, 8]\n"
        " output y = conv1d(2, 3)(wave) + wave[:, :2, 1:-1],"
        " z = conv2d(2, 3)(image) + image[:, :2, 1:-1, 1:-1] }",
        "image_nhwc = tf.transpose(image, (0, 2, 3, 1))",
        " wave = tf",
        ("tensorflow",),
    ),
    Case(
        "an_activation_stands_with_a_layer_of_many_words",
        "model M { input x: f32[N, 3, 8, 8]\n"
        " the_first_convolution_of_all = conv2d(8, 3)\n"
        " h = x |> the_first_convolution_of_all |> batch_norm |> relu\n"
        " output y = h |> conv2d(4, 3) }",
        "h = tf.nn.relu(self.batch_norm(h, training=training))",
        "tf.nn.relu(h)",
        ("tensorflow",),
    ),
    Case(
        "padding_for_a_stride_says_why",
        "model M { input x: f32[N, 3, 8, 8]\n"
        " h = x |> conv2d(8, 3, stride = 2, padding = 1) |> conv2d(8, 3, padding = 1)\n"
        " output y = h |> conv2d(8, 5, stride = 3, padding = 2) }",
        '# pad 2 on both sides: "same" may pad less at the start at stride 3\n',
        "at stride 1",
        ("tensorflow",),
    ),
    Case(
        "one_line_for_all_strides_pads_as_the_source_does",
        "block B(s) { input x: f32[N, C, H, W]\n output x |> conv2d(4, 4, stride = s, "
        "padding = [(1, 2), (1, 2)]) }\n"
        "model M { input x: f32[N, 3, 8, 8]\n output y = x |> B(1) |> B(2) |> B(3) }",
        "SymmetricConv2D(",
        "may pad less at the start at stride",
        ("tensorflow",),
    ),
    Case(
        "padding_of_the_source_says_nothing",
        "model M { input x: f32[N, 3, 8, 8]\n output y = x |> pad([(0, 0), (0, 0), (1, 1), (1, 1)])"
        " |> conv2d(8, 3, stride = 2) }",
        "tf.pad(",
        '"same"',
        ("tensorflow",),
    ),
    Case(
        "whole_numbers_beside_tensors_are_written_short",
        "model M { input x: f32[N, 4]\n output y = 2 * x ** 3 + 1 }",
        "2 * x**3 + 1",
        "1.0",
    ),
    Case(
        "the_usual_scale_of_attention_is_said_as_one",
        "model M { input x: f32[N, T, 32]\n output y = scaled_dot_product_attention(x, x, x) }",
        "attention(F, x, x, x, 1 / 32**0.5)",
        "0.17",
        ("mxnet",),
    ),
    Case(
        "results_of_branches",
        _UNIT + "model M { input x: f32[N, 4, 16]\n output y = x |> Unit |> Unit(2) }",
        "            return x + h\n        return h\n",
        "result =",
        ("pytorch", "mxnet"),
    ),
    Case(
        "initializers_that_only_a_docstring_names",
        "model M { input x: f32[N, T, 4]\n output y = x |> lstm(8) }",
        "class GateWiseOrthogonal(",
        "class Orthogonal(",
        ("mxnet",),
    ),
    Case(
        "states_alone_are_taken_out_of_what_is_there",
        "model M { input x: f32[N, T, 4]\n"
        " _, h, c = x |> lstm(8, return_state = true)\n output h, c }",
        "h, c = states[1][0], states[1][1]\n",
        "_, h",
        ("pytorch", "mxnet"),
    ),
    Case(
        "what_has_a_name_gets_no_other",
        "model M { input x: f32[N, T, 4]\n _, h = x |> gru(8, return_state = true)\n output h }",
        "states = self.gru(x, begin_state(F, self.gru, x))\n        h = states[1][0]\n",
        "_, h",
        ("mxnet",),
    ),
    Case(
        "no_false_alarm_about_the_batch_of_recurrent_layers",
        "model M { input x: f32[N, T, 4]\n output y = x |> gru(8) }",
        'warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size")',
        "torch.onnx.dynamo",
        ("pytorch",),
    ),
    Case(
        "one_axis_is_no_tuple",
        "model M { input x: f32[N, 4]\n output y = x |> logsumexp(axis = 1) }",
        "torch.logsumexp(x, dim=1)",
        "(1,)",
        ("pytorch",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_phrases(case: Case, tmp_path: Path) -> None:
    program = load(Source("net.model", case.body)).program_or_raise()
    for target in case.targets:
        place = Place("net.model", tmp_path, tmp_path, f"net_{target}.py")
        text = backend(target).render(program.models["M"], None, place)
        assert case.said in text
        assert case.unsaid not in text
