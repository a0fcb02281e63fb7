"""`train`: loss and evaluation graphs, the mapping of data, settings, overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tercet.compiler.data import Draw, Iris, Synthetic
from tercet.compiler.graph.ir import Apply, Call, Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.training.clipping import GlobalNorm
from tercet.compiler.training.optimizers import Adam, Sgd
from tercet.compiler.training.schedules import ConstantSchedule, CosineSchedule
from tercet.compiler.types import DType
from tests.compiler.texts import compiled, found, program

MODEL = """
model M(units = 3) { input x: f32[N, 4]
    logits = x |> dense(units)
    output logits }
"""
SETTINGS = """
    target label: i64[N]
    data = iris(split = 0.5) { label = label, x = (features - 1) / 2 }
    loss = cross_entropy(logits, label)
    optimizer = sgd(0.1, momentum = 0.9)
"""


def training(body: str, model: str = MODEL, head: str = "M", **options: object) -> Training:
    (made,) = program(f"{model} train {head} {{ {body} }}", **options).trainings.values()  # type: ignore[arg-type]
    assert isinstance(made, Training)
    return made


def operations(graph: Graph) -> list[str]:
    return [item.op.name for item in graph.body.walk() if isinstance(item, Apply)]


def test_settings_and_their_defaults() -> None:
    made = training(SETTINGS)
    assert made.update.optimizer == Sgd(lr=0.1, momentum=0.9)
    assert made.update.schedule == ConstantSchedule()
    assert made.update.clip is None
    assert (made.batch, made.epochs, made.seed, made.precision) == (32, 10, 0, DType.F32)
    assert made.data.source == Iris(split=0.5)
    assert list(made.names()) == ["x", "label"]


def test_all_settings() -> None:
    made = training(
        SETTINGS
        + """
        optimizer = adam(lr = 0.01, beta1 = 0.5)
        schedule = cosine(warmup = 5)
        clip = global_norm(1)
        batch = 8
        epochs = 2 + 1
        seed = 7
        precision = bf16
        """
    )
    assert made.update.optimizer == Adam(lr=0.01, beta1=0.5)
    assert made.update.schedule == CosineSchedule(warmup=5)
    assert made.update.clip == GlobalNorm(1.0)
    assert (made.batch, made.epochs, made.seed, made.precision) == (8, 3, 7, DType.BF16)


def test_the_loss_goes_through_one_call_of_the_models_own_graph() -> None:
    built = program(f"{MODEL} train M {{ {SETTINGS} }}")
    loss = built.trainings["M"].update.loss
    (call,) = loss.calls
    assert call.graph is built.models["M"]
    assert call.instance.path == "M"
    assert [i.value.name for i in loss.inputs] == ["x", "label"]
    assert [o.name for o in loss.outputs] == ["loss"]
    assert built.blocks == ()


def test_metrics_are_outputs_of_the_evaluation() -> None:
    made = training(
        SETTINGS
        + """
        share = softmax(logits, axis = 1)
        _unused = exp(logits) * 2
        metrics = { right = accuracy(share, label), top = top_k_accuracy(logits, label, k = 2) }
        """
    )
    assert made.evaluation is not None
    assert [m.name for m in made.metrics] == ["right", "top"]
    assert [o.name for o in made.evaluation.outputs] == [
        "right.0",
        "right.1",
        "top.0",
        "top.1",
        "loss",
    ]
    assert operations(made.evaluation) == ["cross_entropy", "softmax"]
    assert operations(made.update.loss) == ["cross_entropy"]


def test_mapping_of_data() -> None:
    made = training(SETTINGS)
    mapping = made.data.mapping
    assert [i.value.name for i in mapping.inputs] == ["features", "label"]
    assert [o.name for o in mapping.outputs] == ["x", "label"]
    assert operations(mapping) == ["constant", "subtract", "constant", "divide"]


def test_static_control_flow_in_a_train() -> None:
    made = training(
        SETTINGS
        + """
        total = cross_entropy(logits, label)
        for i in range(2) { total = total + mean(logits ** 2) }
        loss = total
        if N == N { batch = 4 } else { batch = 8 }
        """
    )
    assert made.batch == 4
    assert operations(made.update.loss).count("mean") == 2


def test_a_block_without_parameters_in_a_train() -> None:
    block = "block Squared { input a: f32[N, D]\n output mean(a ** 2) }"
    made = training(SETTINGS + "loss = logits |> Squared", block + MODEL)
    assert [call.graph.name for call in made.update.loss.calls] == ["M", "Squared"]


def test_a_block_with_parameters_is_refused() -> None:
    block = "block Head { input a: f32[N, D]\n output a |> dense(3) }"
    text = f"{block}{MODEL} train M {{ {SETTINGS} loss = cross_entropy(logits |> Head, label) }}"
    assert [code.split()[0] for code in found(text)] == ["E0612"]


# ------------------------------------------------------------------------------- synthetic, random


def test_synthetic_data() -> None:
    model = "model Line { input x: f32[N, 1]\n y = x |> dense(1)\n output y }"
    made = training(
        """
        target t: f32[N, 1]
        data = synthetic(rows = 10) {
            slope = uniform(1, 2),
            x = uniform(-1, 1),
            t = 3 * x + reshape(slope, [N, 1]) + normal(0.1),
        }
        loss = mse(y, t)
        optimizer = sgd(lr = 0.1)
        """,
        model,
        "Line",
    )
    assert made.data.source == Synthetic(rows=10)
    drawn = [
        (type(item.op.initializer).__name__, str(item.op.type), item.op.rows)
        for item in made.data.mapping.body.walk()
        if isinstance(item, Apply) and isinstance(item.op, Draw)
    ]
    assert drawn == [
        ("Uniform", "f32[N]", 10),
        ("Uniform", "f32[N, 1]", 10),
        ("Normal", "f32[N, 1]", 10),
    ]


VAE = """
model Vae(latent = 2) { input x: f32[N, 4]
    mu = x |> dense(latent)
    log_var = x |> dense(latent)
    output mu, log_var }
"""
VAE_BODY = """
    input x: f32[N, 4]
    data = iris() { x = features }
    mu, log_var = vae(x)
    z = mu + exp(0.5 * log_var) * random_normal(mu.shape)
    loss = mean(z ** 2) + sum(log_var) / N
    optimizer = adam(lr = 1e-3)
"""


def test_a_model_as_a_parameter() -> None:
    made = training(VAE_BODY, VAE, "Fit(vae = Vae(latent = 3))")
    assert made.name == "Fit"
    assert list(made.models) == ["vae"]
    assert str(made.model.outputs[0].value.type) == "f32[N, 3]"
    assert made.targets == ()
    (call,) = made.update.loss.calls
    assert isinstance(call, Call)
    assert call.graph is made.model
    assert call.instance.path == "vae"


def test_a_loss_that_draws_is_not_evaluated() -> None:
    made = training(VAE_BODY, VAE, "Fit(vae = Vae())")
    assert "random_normal" in operations(made.update.loss)
    assert made.evaluation is None
    made = training(VAE_BODY + "metrics = { m = mse(mu, log_var) }", VAE, "Fit(vae = Vae())")
    assert made.evaluation is not None
    assert [o.name for o in made.evaluation.outputs] == ["m.0", "m.1"]
    assert operations(made.evaluation) == []


def test_sizes_that_data_fix() -> None:
    model = """
    model G { input tokens: i64[N, T]
        y = embedding(256, 8)(tokens) |> dense(256)
        output y }
    """
    body = """
    target next: i64[N, T]
    data = text("test_elaborate_train.py", window = 16) { tokens = ids, next = next_ids }
    loss = cross_entropy(y, next, axis = -1)
    optimizer = sgd(lr = 0.1)
    """
    made = training(body, model, "G", folder=Path(__file__).parent)
    assert [str(o.value.type) for o in made.data.mapping.outputs] == ["i64[N, 16]"] * 2


# --------------------------------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    "overrides, expected",
    [
        ({"batch": "64", "epochs": "1"}, (Sgd(lr=0.1, momentum=0.9), 64, 1)),
        ({"optimizer.momentum": "0"}, (Sgd(lr=0.1), 32, 10)),
        ({"optimizer.lr": "0.5"}, (Sgd(lr=0.5, momentum=0.9), 32, 10)),
        ({"optimizer.weight_decay": "1e-4"}, (Sgd(0.1, momentum=0.9, weight_decay=1e-4), 32, 10)),
        ({"optimizer": "adam(lr = 0.2)"}, (Adam(lr=0.2), 32, 10)),
    ],
)
def test_overrides(overrides: dict[str, str], expected: tuple[object, int, int]) -> None:
    made = training(SETTINGS, training=overrides)
    assert (made.update.optimizer, made.batch, made.epochs) == expected


def test_lists_are_overridden() -> None:
    given = SETTINGS + 'no_decay = ["*.nothing"]\n'
    decaying = {"optimizer.weight_decay": "0.1", "no_decay": '["*.bias", "dense*"]'}
    assert training(given, training=decaying).no_decay == ("*.bias", "dense*")
    assert training(SETTINGS, training={"no_decay": "[]"}).no_decay == ()


def test_data_are_overridden() -> None:
    assert training(SETTINGS, training={"data.split": "0.25"}).data.source == Iris(split=0.25)
    made = training(SETTINGS, training={"data": "iris(shuffle = false)"})
    assert made.data.source == Iris(shuffle=False)


@pytest.mark.parametrize(
    "overrides, code",
    [
        ({"bach": "64"}, "E0614"),
        ({"schedule.warmup": "3"}, "E0614"),
        ({"optimizer.momentun": "0.1"}, "E0501"),
        ({"optimizer.lr": '"fast"'}, "E0504"),
        ({"batch": "0"}, "E0608"),
        ({"batch": "1 +"}, "E0106"),
        ({"batch": "missing"}, "E0201"),
    ],
)
def test_wrong_overrides(overrides: dict[str, str], code: str) -> None:
    result = compiled(f"{MODEL} train M {{ {SETTINGS} }}", training=overrides)
    assert [d.code for d in result.errors] == [code]


def test_an_override_without_a_train() -> None:
    assert [d.code for d in compiled(MODEL, training={"batch": "3"}).errors] == ["E0614"]


def test_model_parameters_reach_the_training() -> None:
    made = training(SETTINGS, parameters={"units": "5"})
    assert made.model.arguments == {"units": 5}
