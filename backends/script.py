"""What the scripts of all targets are put together from."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tercet.backends.base import Place
from tercet.backends.draft import COLUMNS, Draft
from tercet.codegen.decisions import Decision
from tercet.codegen.printed import ClassCode
from tercet.codegen.script.pieces import Piece, joined
from tercet.codegen.script.quoting import docstring, one_line, shell_word
from tercet.codegen.script.style import FULL, Style
from tercet.codegen.writer import lines
from tercet.compiler.graph.ir import Graph
from tercet.dsl.records import dataclass
from tercet.dsl.visible import columns, visible

_BACKSLASH = "\\"


@dataclass(frozen=True)
class ClassFrame:
    """How a target writes a class around what the class printer gives.

    `base` and `forward` are templates; `{inputs}` are the forward function's parameters.
    `constructor` are parameters that every constructor has besides its own, `begin` the lines
    it begins with, `end` those it ends with; `methods` are lines between it and the forward
    function.
    """

    base: str
    forward: str
    begin: tuple[str, ...]
    constructor: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def class_text(code: ClassCode, frame: ClassFrame) -> str:
    """The text of one class."""
    parameters = ", ".join(("self", *code.signature, *frame.constructor))
    result = [f"class {code.name}({frame.base}):"]
    if code.documentation:
        result += [*_documentation(code.documentation), ""]
    for note in code.notes:
        result += [f"    # {line}" for line in textwrap.wrap(one_line(note), COLUMNS - 6)]
    methods: list[Sequence[str]] = []
    if code.signature or code.construct or frame.end:
        body = [*frame.begin, *(lines(code.construct) if code.construct else ()), *frame.end]
        methods.append([f"def __init__({parameters}):", *(f"    {line}" for line in body)])
    methods += [frame.methods] if frame.methods else []
    forward = frame.forward.format(inputs=", ".join((*code.inputs, *code.received.values())))
    methods.append([f"def {forward}:", *lines(code.compute, 1)])
    for method in methods:
        result += [*(f"    {line}" for line in method), ""]
    return "\n".join(result[:-1])


def _documentation(text: str) -> list[str]:
    """The docstring of a class: on one line where it fits."""
    line = docstring(" ".join(text.split()))
    if columns(line) <= COLUMNS - 4:
        return [f"    {line}"]
    rows = _wrapped(line.removesuffix('"""'), "", COLUMNS - 7)
    return [*(f"    {row}" for row in rows), '    """']


def _wrapped(text: str, indent: str, width: int = COLUMNS) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def header(
    model: Graph,
    place: Place,
    framework: str,
    trained: bool,
    notes: Sequence[str],
    exported: str = ".onnx",
    style: Style = FULL,
) -> str:
    """The module docstring: what the script is and how to run it.

    `exported` is the ending of what `--export` writes, nothing where it writes several files.
    """
    script = place.script_name
    name = Path(script).stem.rsplit("_", 1)[0]
    weights = f"{name}.safetensors"
    usage: list[Sequence[Sequence[str]]]
    export = (("weights", weights), ("export", f"{name}{exported}"))
    predict = (("weights", weights), ("predict", "inputs.safetensors", "out.safetensors"))
    if trained:
        usage = [(("save", weights),), (("epochs", "0"), *export)]
    else:
        usage = [style.pick(full=predict, lean=export)]
    inputs = ", ".join(f"{i.value.name} {i.value.type}" for i in model.inputs)
    outputs = ", ".join(f"{o.name} {o.value.type}" for o in model.outputs)
    count = sum(_size(p.type.shape) for _, p in model.parameters() if p.trainable)
    source = visible(place.source_name).replace("%(prog)", "%%(prog)")  # argparse shows the line
    body = [
        f"{model.name} for {framework}, compiled from {source}.",
        "",
        *(part for flags in usage for part in _command(script, flags)),
        "",
        *_wrapped(f"{inputs} -> {outputs}; {count:,} trainable parameters.", "    "),
        *(part for note in notes for part in _wrapped(note, "")),
    ]
    return docstring("\n".join(body) + "\n")


def _command(script: str, flags: Sequence[Sequence[str]]) -> list[str]:
    """A command as a shell takes it, with a further line where a flag does not fit."""
    rows = [f"    python {shell_word(script)}"]
    for flag, *values in flags:
        text = " ".join([f"--{flag}", *map(shell_word, values)])
        if columns(f"{rows[-1]} {text} {_BACKSLASH}") > COLUMNS:
            rows.append(f"        {text}")
        else:
            rows[-1] += f" {text}"
    return [*(f"{row} {_BACKSLASH}" for row in rows[:-1]), rows[-1]]


def _size(shape: Iterable[object]) -> int:
    total = 1
    for n in shape:
        assert isinstance(n, int)
        total *= n
    return total


def main_text(body: Iterable[str]) -> str:
    """The script's `main`."""
    return "\n".join(["def main():", *(f"    {line}" if line else "" for line in body)])


def assemble(
    header_text: str,
    pieces: Iterable[Piece],
    main: str,
    decisions: Iterable[Decision],
    amend: Callable[[str], str] | None = None,
) -> Draft:
    """The script: docstring, imports, constants, definitions, `main`."""
    whole = joined(pieces)
    constants = "\n".join(f"{name} = {value}" for name, value in whole.constants)
    ending = 'if __name__ == "__main__":\n    main()'
    body = "\n\n\n".join(s for s in (constants, whole.text, main, ending) if s)
    return Draft(header_text, tuple(whole.imports), body, tuple(decisions), amend=amend)
