"""Files that the scripts of all targets read and write: tensors, records, checkpoints.

The same text everywhere, and no traceback for what may be wrong with a file: `docs/scripts.md`.
The target imports its own `load_file`, and `save` as `to_bytes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tercet.codegen.interface import Interface
from tercet.codegen.script.index_checks import input_lines
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.size_checks import input_checks
from tercet.codegen.script.style import Style
from tercet.compiler.dims import Size
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.training.optimizers import Optimizer
from tercet.compiler.types import DType, TensorType

CHECKPOINT_FORMAT = "tercet-checkpoint-1"

_ERROR_IMPORT = "from safetensors import SafetensorError"

READ = Piece(
    '''\
def read(path):
    """The tensors of a safetensors file."""
    try:
        return load_file(path)
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError) as error:
        raise SystemExit(f"{path}: {error}") from None''',
    (_ERROR_IMPORT,),
)

WRITE = Piece(
    '''\
def write(path, tensors, metadata=None):
    """Write a safetensors file; a crash leaves the old one or the new one."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(to_bytes(tensors, metadata))
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"{path}: {error}") from None''',
    ("import os", _ERROR_IMPORT),
)
"""Writing of weights, outputs and checkpoints."""

LOG = Piece(
    '''\
def log(folder, record):
    """Append a line to metrics.jsonl in the folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metrics.jsonl"), "a") as file:
        file.write(json.dumps(record) + "\\n")''',
    ("import json", "import os"),
)
"""What `--log-dir` means."""

CHECK = Piece(
    '''\
def check(path, tensors, types):
    """Sizes by name of tensors in `path`, which must have these dtypes and shapes."""
    if tensors.keys() != types.keys():
        raise SystemExit(f"{path}: holds {sorted(tensors)}, not {sorted(types)}")
    sizes = {}
    for name, (dtype, *wanted) in types.items():
        found, shape = str(tensors[name].dtype), list(tensors[name].shape)
        wanted = [sizes.get(size, size) for size in wanted]
        pairs = zip(wanted, shape, strict=False)
        new = {size: have for size, have in pairs if isinstance(size, str) and have}
        if found != dtype or shape != [new.get(size, size) for size in wanted]:
            need = ", ".join(map(str, wanted))
            raise SystemExit(f"{path}: {name} is {found} {shape}, not {dtype} [{need}]")
        sizes |= new
    return sizes'''
)
"""Tensors of a user's file, compared with what is expected of them (`types_text`)."""


def dtypes_are_kept(model: Graph) -> bool:
    """Whether every parameter has the dtype in files that it has in every script.

    bf16 is f32 in files, for NumPy has none; not every framework can hold what is true or false.
    """
    other = (DType.BF16, DType.BOOL)
    return not any(parameter.type.dtype in other for _, parameter in model.parameters())


def names_agree(style: Style) -> str:
    """Lines of a function of `path`: `tensors`, read from it, have the names of `named`."""
    full = """\
    if missing := sorted(named.keys() - tensors.keys()):
        raise SystemExit(f"{path}: missing {missing}")
    if unexpected := sorted(tensors.keys() - named.keys()):
        raise SystemExit(f"{path}: unexpected {unexpected}")"""
    lean = """\
    if wrong := sorted(named.keys() ^ tensors.keys()):
        raise SystemExit(f"{path}: missing or unexpected {wrong}")"""
    return style.pick(full=full, lean=lean)


def types_agree(model: Graph, shape: str, dtype: str, own_shape: str) -> str:
    """Lines in a loop over names: `tensors[name]`, of this shape, is what the model's own is."""
    types = dtypes_are_kept(model)
    have = "{tensors[name].dtype} " if types else ""
    want = f"{{{dtype}}} " if types else ""
    return f'''\
        have = f"{have}{{{shape}}}"
        want = f"{want}{{{own_shape}}}"
        if have != want:
            raise SystemExit(f"{{path}}: {{name}} is {{have}}, the model needs {{want}}")'''


def shapes_agree(shape: str, own_shape: str) -> str:
    """The same in a lean script, where an assignment would stretch a tensor without a word."""
    return f"""\
        if {shape} != {own_shape}:
            raise SystemExit(f"{{path}}: {{name}} has another shape in the model")"""


def reading(path: str, style: Style) -> str:
    """The tensors of a file, as an expression."""
    return style.pick(full=f"read({path})", lean=f"load_file({path})")


def writing(path: str, tensors: str, style: Style) -> str:
    """The statements that write tensors to a file, in the body of a function.

    The library's own `save_file` leaves files that only their owner can read.
    """
    name, before = "tensors", f"tensors = {tensors}\n    "
    if tensors.isidentifier():
        name, before = tensors, ""
    lean = f'{before}with open({path}, "wb") as file:\n        file.write(to_bytes({name}))'
    return style.pick(full=f"write({path}, {tensors})", lean=lean)


def types_text(types: Mapping[str, TensorType], prefix: str = "") -> str:
    """What `check` takes: dtype and sizes by name; `prefix` comes before the names of dtypes."""
    entries = [
        f"{literal(name)}: {literal((prefix + type.dtype.numpy_name, *map(_size, type.shape)))}"
        for name, type in types.items()
    ]
    return f"{{{', '.join(entries)}}}"


def _size(size: Size) -> int | str:
    return size if isinstance(size, int) else str(size)


def checked_inputs(interface: Interface, prefix: str = "") -> list[str]:
    """Lines of `predict` that look at `inputs`, read from `source`: types, sizes and indices."""
    types = {i.value.name: interface.type(i.value) for i in interface.model.inputs}
    call = f"check(source, inputs, {types_text(types, prefix)})"
    demands = input_checks(interface, "{source}")
    return [f"sizes = {call}" if demands else call, *demands, *input_lines(interface)]


def _state_of(optimizer: Optimizer) -> str:
    """The optimizer by what it keeps for each parameter: `sgd, momentum`."""
    kept = [name for name in ("momentum", "centered") if getattr(optimizer, name, False)]
    return ", ".join([optimizer.name, *kept])


def checkpoint_piece(model: str, target: str, training: Training) -> Piece:
    """Reading of checkpoints: `read_checkpoint(path, run)`, and `identity`, which makes `run`.

    `claim(path)` keeps one for this process.

    The optimizer is part of it, and the precision where it is not f32: the state of another run
    may lack what this one needs.
    The target writes one by `write(path, tensors, {**run, "step": str(step)})`.
    """
    precision = literal(str(training.precision))
    mixed = f'\n        "precision": {precision},' if training.is_mixed else ""
    optimizer = literal(_state_of(training.update.optimizer))
    text = f'''\
def identity(seed, batch_size):
    """What a checkpoint and the run that resumes it must agree in."""
    return {{
        "format": {literal(CHECKPOINT_FORMAT)},
        "model": {literal(model)},
        "target": {literal(target)},
        "optimizer": {optimizer},{mixed}
        "seed": str(seed),
        "batch_size": str(batch_size),
    }}


def read_checkpoint(path, run):
    """The tensors of a checkpoint and the number of its step."""
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {{}}
            tensors = {{name: file.get_tensor(name) for name in file.keys()}}
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError) as error:
        raise SystemExit(f"{{path}}: {{error}}") from None
    for name, value in run.items():
        if metadata.get(name) != value:
            raise SystemExit(f"{{path}}: {{name}} is {{metadata.get(name)!r}}, not {{value!r}}")
    step = metadata.get("step", "")
    if not step.isdecimal() or len(step) > 15:
        raise SystemExit(f"{{path}}: step is {{step!r}}, not a number of steps")
    return tensors, int(step)


def claim(path):
    """Keep other runs from writing this checkpoint until this process ends."""
    try:
        file = os.open(f"{{path}}.lock", os.O_CREAT | os.O_WRONLY, 0o666)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"{{path}}: another run is writing this checkpoint") from None
    except OSError as error:
        raise SystemExit(f"{{path}}: {{error}}") from None'''
    imports = ("import fcntl", "import os", "from safetensors import safe_open")
    return Piece(text, (_ERROR_IMPORT, *imports))
