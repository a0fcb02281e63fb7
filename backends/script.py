"""What the scripts of all targets are put together from, and how they are finished."""

from __future__ import annotations

import io
import subprocess
import symtable
import sys
import sysconfig
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tercet.backends.base import Place
from tercet.codegen.printed import ClassCode
from tercet.codegen.script.pieces import Piece, joined
from tercet.codegen.script.quoting import docstring, shell_word
from tercet.codegen.script.style import Style
from tercet.codegen.writer import lines
from tercet.compiler.graph.ir import Graph
from tercet.dsl.visible import columns, visible

COLUMNS = 88
"""The width of a script."""
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
    style: Style = Style.FULL,
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


def assemble(header_text: str, pieces: Iterable[Piece], main: str) -> str:
    """The script: docstring, imports, constants, definitions, `main`."""
    whole = joined(pieces)
    constants = "\n".join(f"{name} = {value}" for name, value in whole.constants)
    ending = 'if __name__ == "__main__":\n    main()'
    body = "\n\n\n".join(s for s in (constants, whole.text, main, ending) if s)
    imports = _sorted_imports(whole.imports, body)
    return _formatted("\n\n".join(s for s in (header_text, imports, body) if s) + "\n")


def _sorted_imports(statements: Iterable[str], body: str) -> str:
    """The imports that the rest of the script uses, in order.

    Ruff does it; of the body it sees only the names, because its memory grows with the square
    of the assignments of one name.
    """
    end = "# ---"
    try:
        names = sorted(set(_names(symtable.symtable(body, "script.py", "exec"))))
    except SyntaxError as problem:
        raise RuntimeError(f"generated code is not valid Python: {problem}") from problem
    rules = ["--fix", "--quiet", "--exit-zero", "--select", "I001,F401", "--isolated"]
    text = _ruff(["check", *rules], "\n".join([*statements, end, *names]) + "\n")
    return text.partition(end)[0].strip()


def _names(table: symtable.SymbolTable) -> Iterator[str]:
    """What the code of a scope and of those inside it refers to."""
    for symbol in table.get_symbols():
        if symbol.is_referenced():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _names(inner)


def _formatted(text: str) -> str:
    """The script with wrapped lines.

    By Ruff: it is the formatter that Python projects use, so scripts look at home there.
    """
    return _excused(_ruff(["format", "--isolated", "--line-length", str(COLUMNS)], text))


def _excused(text: str) -> str:
    """The script with a note for linters where text of the model makes a line too long."""
    rows = text.split("\n")
    long = [k for k, row in enumerate(rows, 1) if columns(row) > COLUMNS and " " in row.strip()]
    if not long:
        return text
    ends = {k: k for k in long}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        first, last = token.start[0], token.end[0]
        ends |= {k: last for k in long if first <= k < last}
    for end in set(ends.values()):
        rows[end - 1] += "  # noqa: E501"
    return "\n".join(rows)


def _ruff(arguments: Sequence[str], text: str) -> str:
    command = [_ruff_path(), *arguments, "--stdin-filename", "script.py", "-"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"generated code is not valid Python: {done.stderr.strip()}")
    return done.stdout


def _ruff_path() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    return str(beside) if beside.exists() else str(Path(sys.executable).with_name("ruff"))
