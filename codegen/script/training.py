"""The parts of a script around the model that all targets share: constants, flags, batches.

What they promise to callers is `docs/scripts.md` and `docs/checkpoints.md`; this module is the
one place where the shared text of that contract is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from tercet.codegen.expr import Expr, Name
from tercet.codegen.script.data import DataCode
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.schedules import schedule_piece
from tercet.codegen.script.style import FULL, Style
from tercet.compiler.data.base import FileSource
from tercet.compiler.graph.training import Training
from tercet.compiler.training.clipping import Clip, ClipValue, GlobalNorm

BATCHES = Piece(
    '''\
def batches(rows, batch_size, seed, epoch):
    """Row numbers of each batch of an epoch; rows that fill no batch sit it out."""
    if rows < batch_size:
        raise SystemExit(f"{rows} training rows do not fill a batch of {batch_size}")
    order = np.random.default_rng((seed, epoch)).permutation(rows)
    return order[: rows - rows % batch_size].reshape(-1, batch_size)''',
    ("import numpy as np",),
)
"""The order of training rows: the same in every target, for any epoch without those before."""


# --------------------------------------------------------------------------------- hyper-parameters

LEARNING_RATE = "LEARNING_RATE"
NO_DECAY = "NO_DECAY"
PRECISION = "PRECISION"


def base_rate(style: Style) -> Expr:
    """The learning rate before any schedule, as an expression."""
    return style.pick(full=Name("args").lr, lean=Name(LEARNING_RATE))


MATCHED = f"any(fnmatchcase(name, pattern) for pattern in {NO_DECAY})"
"""Whether the parameter called `name` in the source has no weight decay; needs MATCHED_IMPORT."""
MATCHED_IMPORT = "from fnmatch import fnmatchcase"
_OPTIMIZER_CONSTANTS = {
    "lr": LEARNING_RATE,
    "momentum": "MOMENTUM",
    "weight_decay": "WEIGHT_DECAY",
}


def optimizer_constants(training: Training) -> dict[str, str]:
    """Names of constants by the optimizer's attributes; those without one print as literals.

    `lr` always has one, `momentum` and `weight_decay` unless they are zero.
    """
    optimizer = training.update.optimizer
    return {
        attribute: name
        for attribute, name in _OPTIMIZER_CONSTANTS.items()
        if attribute == "lr" or getattr(optimizer, attribute, False)
    }


def clip_constant(clip: Clip) -> tuple[str, float]:
    """Name and value of the constant of a way to clip."""
    match clip:
        case GlobalNorm(limit):
            return "MAX_GRADIENT_NORM", limit
        case ClipValue(limit):
            return "MAX_GRADIENT", limit
    raise TypeError(type(clip).__name__)


def constants(training: Training | None, precision: str = "") -> tuple[tuple[str, str], ...]:
    """The hyper-parameters on top of a script: (name, value as text), in order.

    `precision` is what the target calls the precision of training, where it is not f32.
    """
    if training is None:
        return (("SEED", "0"),)
    update = training.update
    entries: list[tuple[str, str]] = [
        ("BATCH_SIZE", literal(training.batch)),
        ("EPOCHS", literal(training.epochs)),
    ]
    entries += [
        (name, literal(getattr(update.optimizer, attribute)))
        for attribute, name in optimizer_constants(training).items()
    ]
    if training.decay_exceptions:
        entries.append((NO_DECAY, literal(list(training.decay_exceptions))))
    if (schedule := schedule_piece(update.schedule)) is not None:
        entries += schedule.constants
    if update.clip is not None:
        name, limit = clip_constant(update.clip)
        entries.append((name, literal(limit)))
    if training.is_mixed:
        entries.append((PRECISION, precision))
    return (*entries, ("SEED", literal(training.seed)))


# ------------------------------------------------------------------------------------------- flags


def argument_lines(
    training: Training | None,
    device: str,
    export_help: str,
    style: Style = FULL,
    exported: str = "args.export",
) -> list[str]:
    """The lines of `main` that read the command line into `args`.

    `device` is the target's expression for the default of `--device`; `export_help` says what
    `--export` writes, `exported` is the expression of its path.
    """
    trains = training is not None
    file = style.full_only('metavar="FILE"')
    predict = _flag(
        "predict",
        'nargs=2, action="append", default=[]',
        'metavar=("IN", "OUT")',
        help="run on the inputs in IN, write the outputs to OUT (safetensors)",
    )
    flags = [
        *(_numbers(style) if trains else ()),
        *style.full_only(*(_data(training) if training is not None else ())),
        _flag("seed", "type=int", "default=SEED"),
        _flag(
            "device", f"default={device}", help=style.pick(full="cpu, cuda or cuda:K", lean=None)
        ),
        _flag("weights", *file, help="start from these weights (safetensors)"),
        _flag("save", *file, help="write the weights here (safetensors)"),
        *style.full_only(*(_state() if trains else ()), predict),
        _flag("export", *file, help=export_help),
    ]
    return [
        "parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])",
        *flags,
        "args = parser.parse_args()",
        *style.full_only(
            "if not 0 <= args.seed < 2**32:",
            '    parser.error("--seed must be from 0 to 4294967295")',
            *(_training_checks() if trains else ()),
            *_path_checks(training, exported),
        ),
    ]


def training_lines(
    training: Training, data: DataCode, evaluated: bool, before: Sequence[str], style: Style
) -> list[str]:
    """What `main` does between the weights given and those saved.

    `data` loads the arrays; the lines `before` stand between this and the training.
    """
    loaded = [f"    train_part, test_part = {data.call}", *(f"    {line}" for line in before)]
    evaluation = style.pick(
        full=[
            "    result = evaluate(model, test_part, args)",
            "    if args.log_dir:",
            '        record = {"epoch": args.epochs, "step": step, "test": result}',
            "        log(args.log_dir, record)",
            *(f"    {line}" for line in _result_lines(training)),
        ],
        lean=["    print(evaluate(model, test_part, args))"],
    )
    return style.pick(
        full=[
            "if args.epochs or args.resume or args.evaluate:",
            *loaded,
            "step = 0",
            "if args.epochs or args.resume:",
            "    step = train(model, train_part, args)",
            *(["if (args.epochs or args.evaluate) and len(test_part[0]):"] if evaluated else []),
            *(evaluation if evaluated else []),
        ],
        lean=[
            "if args.epochs or not args.export:  # to export alone takes no data",
            *loaded,
            "    train(model, train_part, args)",
            *(evaluation if evaluated and data.tested else []),
        ],
    )


def _result_lines(training: Training) -> list[str]:
    """What prints the results of evaluation: numbers in one line, after all that are more."""
    if all(metric.metric.is_number for metric in training.metrics):
        return ['print("  ".join(f"{name} {value:.4f}" for name, value in result.items()))']
    return [
        "tables = {name: value for name, value in result.items() if isinstance(value, list)}",
        "for name, value in tables.items():",
        '    print(f"{name}\\n{np.array(value)}")',
        "numbers = {name: value for name, value in result.items() if name not in tables}",
        'print("  ".join(f"{name} {value:.4f}" for name, value in numbers.items()))',
    ]


def output_lines(predict: str, style: Style = FULL) -> list[str]:
    """What `main` does last; `predict` is the call for a `source` and a `path`."""
    return [
        "if args.save:",
        "    save(model, args.save)",
        *style.full_only("for source, path in args.predict:", f"    {predict}"),
        "if args.export:",
        "    export(model, args.export)",
    ]


def _training_checks() -> list[str]:
    """What argparse does not see in numbers."""
    return [
        "if args.epochs < 0 or args.batch_size < 1 or not args.lr >= 0:",
        '    parser.error("--epochs and --lr must be at least 0, --batch-size 1")',
        "if args.checkpoint_every and (args.checkpoint_every < 0 or not args.checkpoint):",
        '    parser.error("--checkpoint-every needs --checkpoint and a positive number")',
    ]


def _path_checks(training: Training | None, exported: str) -> list[str]:
    """A file that cannot or must not be written is told before the training that would be lost."""
    trains = training is not None
    files = ", ".join(["args.save", *(["args.checkpoint"] if trains else []), exported])
    from_file = training is not None and isinstance(training.data.source, FileSource)
    read = "[*inputs, args.data]" if from_file else "inputs"
    resumed = "args.resume, " if trains else ""
    return [
        "inputs = [args.weights, *(i for i, _ in args.predict)]",
        f"files = [{files}, *(o for _, o in args.predict)]",
        f"for path in filter(None, [{resumed}*inputs, *files]):",
        "    if os.path.exists(path) and not os.path.isfile(path):",
        '        raise SystemExit(f"{path}: not a file")',
        f"kept = [os.path.realpath(path) for path in {read} if path]",
        "for path in filter(None, files):",
        "    folder = os.path.dirname(os.path.abspath(path))",
        "    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):",
        '        raise SystemExit(f"{path}: no folder that can be written to")',
        '    if os.path.realpath(path) in kept or path.endswith(".model"):',
        '        raise SystemExit(f"{path}: would overwrite an input or a model")',
        *(_LOG_CHECK if trains else []),
    ]


_LOG_CHECK = [
    "if args.log_dir and os.path.isfile(args.log_dir):",
    '    raise SystemExit(f"{args.log_dir}: not a folder")',
    "if args.checkpoint:",
    "    claim(args.checkpoint)",
]


def _flag(name: str, *arguments: str, help: str | None = None) -> str:
    tail = () if help is None else (f"help={literal(help)}",)
    return f"parser.add_argument({', '.join((literal(f'--{name}'), *arguments, *tail))})"


def _numbers(style: Style) -> list[str]:
    return [
        _flag("epochs", "type=int", "default=EPOCHS"),
        _flag("batch-size", "type=int", "default=BATCH_SIZE"),
        *style.full_only(_flag("lr", "type=float", f"default={LEARNING_RATE}")),
    ]


def _data(training: Training) -> list[str]:
    if not isinstance(training.data.source, FileSource):
        return []
    return [_flag("data", "type=Path", "default=DATA", help="read the data from here")]


def _state() -> list[str]:
    return [
        _flag("checkpoint", 'metavar="FILE"', help="write the state of training here each epoch"),
        _flag("checkpoint-every", "type=int", 'metavar="STEPS"', help="and after so many steps"),
        _flag("resume", 'metavar="FILE"', help="go on from a checkpoint"),
        _flag(
            "allow-nonfinite", 'action="store_true"', help="train on where the loss is not finite"
        ),
        _flag("evaluate", 'action="store_true"', help="evaluate even without training"),
        _flag("log-dir", 'metavar="DIR"', help="append to metrics.jsonl in this folder"),
    ]
