"""Programs that a framework once computed wrongly, or not at all, in all of them.

Each is run with lively weights, trained by a step where it has a `train`, and exported where told.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tercet.project import FRAMEWORKS
from tests.backends.tensorflow_scripts import script_text
from tests.random_programs.judging import Trial, Verdict, judge
from tests.random_programs.programs import Column, Program
from tests.random_programs.workers import Workers

HERE = Path(__file__).parent
FILES = {
    **dict.fromkeys(sorted(HERE.glob("loops/*.model")), True),
    **dict.fromkeys(sorted(HERE.glob("25-bool-in-loss/*.model")), False),
    HERE / "examples/m.model": True,
    HERE / "examples/c.model": True,
}
"""Files, and whether what frameworks export of them is looked at too."""

_X = Column("x", "f32", ("N", "4"))
_TRAIN = """
train M {{
    {targets}
    data = npz("data.npz", split = 1.0) {{ {mapping} }}
    loss = {loss}
    optimizer = sgd(lr = 0.1)
    {settings}
    batch = 4
    epochs = 1
}}
"""


def _program(
    body: str, loss: str, *columns: Column, settings: str = "", parameters: str = ""
) -> Program:
    """A model of the inputs `x…`, trained with the other columns as targets."""
    inputs = [c for c in columns if c.name.startswith("x")]
    targets = [c for c in columns if c not in inputs]
    declared = "\n".join(f"input {c.name}: {c.dtype}[{', '.join(c.shape)}]" for c in inputs)
    train = _TRAIN.format(
        targets="\n".join(f"target {c.name}: {c.dtype}[{', '.join(c.shape)}]" for c in targets),
        mapping=", ".join(f"{c.name} = {c.name}" for c in columns),
        loss=loss,
        settings=settings,
    )
    return Program(
        f"model M{parameters} {{\n{declared}\n{body}\n}}\n{train}", columns, exported=False
    )


_IMAGE = Column("x", "f32", ("N", "1", "4", "4"))
_DOUBLE = Column("x", "f64", ("N", "4"))
PROGRAMS = {
    "an output that is an input": _program(
        "y = x |> dense(4)\noutput y, same = x", "mean(y * same)", _X
    ),
    "a bool output in a loss": _program(
        "y = x |> dense(4)\noutput y, high = y > 0", "mean(where(high, y, 0))", _X
    ),
    "bools as numbers in a loss": _program(
        "y = x |> dense(4)\noutput y",
        "mean(where(seen == false, y, 0)) + mean(where(where(seen, true, y > 0), y, 1))",
        _X,
        Column("seen", "bool", ("N", "4")),
    ),
    "slopes behind a normalisation": _program(
        "y = x |> batch_norm |> prelu |> tanh |> prelu(shared = true)\noutput y", "mean(y ** 2)", _X
    ),
    "slopes of images": _program(
        "y = x |> conv2d(3, 3, padding = 1) |> prelu |> tanh\noutput y", "mean(y ** 2)", _IMAGE
    ),
    "a transposed convolution applied twice": _program(
        "up = conv_transpose2d(1, 3, padding = 1)\ny = up(tanh(up(x)))\noutput y",
        "mean(y ** 2)",
        _IMAGE,
    ),
    "transposed convolutions of groups, applied to other sizes": _program(
        "h = x |> conv2d(4, 1)\n"
        "up = conv_transpose2d(4, 3, stride = 2, groups = 2, bias = false)\n"
        "y = up(tanh(up(h)))\noutput y, z = up(h)",
        "mean(y ** 2) + mean(z)",
        _IMAGE,
    ),
    **{
        f"images of {a} and {b} channels joined before a convolution": _program(
            f"h = concat([x |> conv2d({a}, 3, padding = 1), x |> conv2d({b}, 1)], axis = 1)\n"
            "output y = h |> conv2d(32, 1)",
            "mean(y ** 2)",
            _IMAGE,
        )
        for a, b in [(8, 8), (24, 8)]
    },
    "classes of f64": _program(
        "y = x |> dense(4)\noutput y",
        "cross_entropy(y, t, label_smoothing = 0.1, ignore_index = 1)",
        _DOUBLE,
        Column("t", "i64", ("N",)),
    ),
    "a global norm of f64": _program(
        "y = x |> dense(4)\noutput y", "mean(y ** 2)", _DOUBLE, settings="clip = global_norm(0.01)"
    ),
    "arrays of listed values": _program(
        "buffer table: f32[2, 4] = [[0.5, -1, 2, 0], [1e-3, 0, 0, 1]]\n"
        "buffer order: i64[4] = [3, -4, 1, 2]\n"
        "buffer seen: bool[4] = [true, false, true, true]\n"
        "param scale: f32[4] = [1, 2, 3, 4]\n"
        "h = where(seen, take(x * scale, order, axis = 1), 0)\n"
        "for values in [[1.0, 2.0, 3.0, 4.0], [0.5, 0.25, 1.0, 2.0]] { h = h |> Scaled(values) }\n"
        "output y = h @ transpose(table)",
        "mean(y ** 2)",
        _X,
    ),
    "a size of which one input has the double": _program(
        "h = roll(x, 1, axis = 2) * mean(x_1)\nb = conv1d(4, 1)\noutput y = b(h), z = x_1 * 2",
        "mean(y ** 2) + mean(z)",
        Column("x", "f32", ("N", "4", "2 * T")),
        Column("x_1", "f32", ("N", "T", "4")),
    ),
    "scales of all normalisations": _program(
        "h = x |> conv2d(4, 1) |> instance_norm |> group_norm(2) |> batch_norm |> tanh\n"
        "output y = h |> layer_norm |> rms_norm",
        "mean(tanh(y) ** 3)",
        _IMAGE,
    ),
    "numbers as the second operand of where, in f64": _program(
        "h = where(x > 0, 0.5, x |> dense(4)) + where(x < 0, -inf, x)\nids = cast(x > 0, i64)\n"
        "output y = tanh(h) + cast(where(x > 1, 3, ids), f64)",
        "mean(where(y > 0, 0.5, y) ** 2)",
        _DOUBLE,
    ),
    "functions whose attributes are bound": _program(
        "h = x |> Acts |> Acts(leaky_relu(alpha = 0.1)) |> Acts(leaky_relu(alpha = 0.3))\n"
        'for act in [tanh, elu(alpha = 0.5), gelu(approximate = "tanh")] { h = h |> Acts(act) }\n'
        "top = clip(min = -2, max = 3)\n"
        "output y = top(h) + leaky_relu(alpha = 0.7)(h)",
        "mean(y ** 2)",
        _X,
    ),
    "instance normalisation of f64": _program(
        "h = x |> dense(3) |> unsqueeze(axis = 1)\noutput y = h |> conv1d(2, 1) |> instance_norm",
        "mean(tanh(y) ** 3)",
        _DOUBLE,
    ),
    "a list of layers in a loop that TensorFlow unrolls": _program(
        "h = x\nfor _ in range(2) {\nlayers = [dense(4)]\nfor each in layers { h = h |> each }\n"
        "h = h |> conv2d(4, 1)\n}\noutput y = h",
        "mean(tanh(y) ** 2)",
        Column("x", "f32", ("N", "4", "4", "4")),
    ),
    "lists of several layers in a loop that TensorFlow unrolls": _program(
        "h = x\nfor _ in range(3) {\nlayers = [dense(4), dense(4)]\n"
        "for each in layers { h = h |> each |> tanh }\nh = h |> conv2d(4, 1)\n}\noutput y = h",
        "mean(tanh(y) ** 2)",
        Column("x", "f32", ("N", "4", "4", "4")),
    ),
    "log probabilities along the last of four axes": _program(
        "y = x |> dense(4) |> log_softmax\noutput y",
        "nll(y, t, axis = -1)",
        _IMAGE,
        Column("t", "i64", ("N", "1", "4")),
    ),
    "masks of keys alone in attention": _program(
        "q = x |> dense(4)\nu = scaled_dot_product_attention(q, q, x, mask = arange(4) > 1)\n"
        "v = scaled_dot_product_attention(q, q, x, mask = arange(4) > 9)\n"
        "w = scaled_dot_product_attention(q, q, x, mask = arange(4) > 1, causal = true)\n"
        "z = scaled_dot_product_attention(q, q, x, mask = any(arange(4) > 1))\n"
        "output y = u + v + w + z",
        "mean(y ** 2)",
        _IMAGE,
    ),
    "parameters that only another argument makes": replace(
        _program(
            "h = x\nif not flag {\nbuffer more: f32[4] = [0, 1, 2, 3]\nparam slope: f32[4] = ones\n"
            "h = h * slope + more\n} else { h = tanh(h) }\noutput y = h |> dense(4)",
            "mean(y ** 2)",
            _X,
            parameters="(flag = true)",
        ),
        variant={"flag": False},
    ),
    "truths chosen by truths, in exported files": replace(
        _program(
            "m = x > 0\np = x > 1\na = where(m, false, p)\nb = where(m, p, true)\n"
            "c = where(m, p, x < -1)\nd = where(m, false, true)\n"
            "h = cast(a, f32) + 2 * cast(b, f32) + 4 * cast(c, f32) + 8 * cast(d, f32)\n"
            "output y = h + (x |> dense(4))",
            "mean(y ** 2)",
            _X,
        ),
        exported=True,
    ),
    "a block with an output that is not used": _program(
        "_a, y = x |> Two\noutput y", "mean(y ** 2)", _IMAGE
    ),
}
_BLOCKS = """
block Acts(activation = elu(alpha = 2)) {
    input x: f32[N, D]
    output activation(x |> dense(D) |> activation)
}
block Scaled(values) {
    input x: f32[N, 4]
    buffer scale: f32[4] = values
    output x * scale
}
block Two {
    input x: f32[N, C, H, W]
    output [x |> conv2d(3, 3), (x |> conv2d(2, 3) |> batch_norm)]
}
"""


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(FRAMEWORKS) as started:
        yield started


def _told(verdict: Verdict, refused: str = "") -> str:
    """What is wrong, refusals by other targets included."""
    others = (f"{t}: {why}" for t, why in verdict.refusals.items() if t != refused)
    return "\n".join([*map(str, verdict.findings), *others])


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file(path: Path, workers: Workers, tmp_path: Path) -> None:
    for data in path.parent.glob("*.npz"):
        shutil.copy(data, tmp_path)
    verdict = Trial(path.read_text("utf-8"), tmp_path, FILES[path]).verdict(workers)
    assert not _told(verdict)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name: str, workers: Workers) -> None:
    program = PROGRAMS[name]
    program = Program(_BLOCKS + program.text, program.columns, program.exported)
    assert not _told(judge(program, workers), "tensorflow" if "groups" in name else "")


@pytest.mark.slow
def test_a_shared_transposed_convolution_trains(workers: Workers, tmp_path: Path) -> None:
    """Many steps of Adam: they end near each other, not at one place."""
    text = (HERE / "examples/z6.model").read_text("utf-8")
    verdict = Trial(text, tmp_path, apart="one is no model of another").verdict(workers)
    assert not _told(verdict)


TURNED_ONCE = {
    "loopsil": "h = tf.transpose(tf.reshape(self.dense(x), (N, 8, 8, 8)), (0, 2, 3, 1))",
    "loopok": "h = tf.transpose(tf.reshape(self.dense(z), (N, 8, 4, 4)), (0, 2, 3, 1))",
}


@pytest.mark.parametrize("name", TURNED_ONCE)
def test_what_a_loop_carries_is_turned_before_it(name: str) -> None:
    path = HERE / f"loops/{name}.model"
    program = load(Source(str(path), path.read_text("utf-8"), path)).program_or_raise()
    text = script_text(program.models["M"], Path("/nowhere"))
    body = text[text.index("class M(") : text.index("def predict(")]
    assert TURNED_ONCE[name] in body
    loop = body[body.index("for b in self.b:") :]
    assert "tf.transpose" not in loop.splitlines()[1]


@pytest.mark.parametrize(
    "right, printed",
    [
        ("[4, 1]", "tf.tensordot(x, self.a, 1)"),
        ("[1, 4, 1]", "tf.tensordot(x, self.a[0], 1)"),
        ("[1, 1, 4, 1]", "tf.tensordot(x, self.a[0, 0], 1)"),
        ("[3, 4, 1]", "x @ self.a"),
    ],
)
def test_one_matrix_for_all_images_of_one_channel(right: str, printed: str) -> None:
    """TensorFlow's graphs with oneDNN compute `[N, 1, M, K] @ [K, L]` wrongly, or die of it."""
    text = f"""model M {{
        input x: f32[N, 1, V, 4]
        param a: f32{right} = normal(std = 1)
        output y = x @ a
    }}"""
    program = load(Source("m.model", text)).program_or_raise()
    assert printed in script_text(program.models["M"], Path("/nowhere"))


def test_the_drawn_columns_fit(tmp_path: Path) -> None:
    """What is asked above is asked of valid programs."""
    for program in PROGRAMS.values():
        columns = {c.name: np.zeros(c.data_shape, _numpy(c.dtype)) for c in program.columns}
        np.savez(tmp_path / "data.npz", **columns)
        path = tmp_path / "m.model"
        text = _BLOCKS + program.text
        assert not load(Source(str(path), text, path)).errors


def _numpy(dtype: str) -> str:
    return {"f32": "float32", "f64": "float64", "i64": "int64", "bool": "bool"}[dtype]
