"""`python -m tercet.docs`: writes docs/operations.md, and the classes that other pages show.

The page says what the compiler does because it is made of what the compiler reads: signatures are
bound by, docstrings are shown by `tercet ops`, and coverage comes from the tables of lowerings.
With `--check` nothing is written, and the exit code says whether the page is up to date.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import tercet.compiler.ops  # noqa: F401  (registers the operations)
from tercet.compiler.data import SOURCES
from tercet.compiler.initializers import INITIALIZERS
from tercet.compiler.ops.base import OPERATIONS, LayerOp, Nan, Op
from tercet.compiler.signature import signature
from tercet.compiler.training import CLIPS, METRICS, OPTIMIZERS, SCHEDULES
from tercet.coverage import TARGETS, coverage, lowerings
from tercet.dsl import nodes
from tercet.dsl.library import std_modules, std_source
from tercet.dsl.parser import parse
from tercet.shown import PAGES, refreshed

PAGE: Final = Path(__file__).parents[1] / "docs" / "operations.md"

_FAMILIES: Final = {
    "linear": "Dense layers and products",
    "conv": "Convolutions",
    "convolving": "Convolutions",
    "pooling": "Pooling",
    "resizing": "Other sizes",
    "sampling": "Other sizes",
    "norm": "Normalisation and dropout",
    "activation": "Activations",
    "recurrent": "Recurrent layers",
    "attention": "Attention",
    "arithmetic": "Arithmetic",
    "elementwise": "Arithmetic",
    "mathematics": "Functions of each element",
    "comparison": "Comparison and logic",
    "shape": "Shape",
    "joining": "Joining, cutting, repeating",
    "slicing": "Slices",
    "ordering": "Indexing and creation",
    "scattering": "Indexing and creation",
    "einsum": "Dense layers and products",
    "indexing": "Indexing and creation",
    "reduce": "Reductions",
    "class_loss": "Losses",
    "loss": "Losses",
    "sequence_loss": "Losses",
    "random": "Only in `train`",
}

_INTRODUCTION: Final = """\
# The operations

Made by `python -m tercet.docs` from the compiler's own classes; `tercet ops NAME` prints the same.

Operands (tensors) come first in a signature, then attributes with their types and defaults. A
*layer* has parameters or state: its attributes are given first and its operands when it is applied,
`conv2d(64, 3)(x)` or `x |> conv2d(64, 3)`. Every layer also takes `name`, and `init` and
`bias_init` where it has parameters to initialise; they are left out below. What a target cannot
express is said with the operation; everything else works in all four, but that MXNet computes in
f16 and bf16 on no CPU, and that MXNet and ONNX's file know symbolic sizes only where the shapes of
inputs tell them: both refuse the rest.

NaN and infinity are what IEEE 754 makes of them: a result that depends on a NaN is NaN, unless the
operation says otherwise. Where a framework, or ONNX Runtime with the file that the framework
exports, does something else, that is said with the operation too; `tercet verify` leaves out what
depends on a NaN.
"""


def main(arguments: list[str]) -> int:
    """Writes the pages that changed, or tells which did (`--check`)."""
    pages = {PAGE: page(), **{path: refreshed(path) for path in PAGES}}
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text("utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.name} is out of date: python -m tercet.docs", file=sys.stderr)
        else:
            path.write_text(pages[path], encoding="utf-8")
            print(path)
    return int(bool(stale)) if "--check" in arguments else 0


def page() -> str:
    """The whole page."""
    sections = [_INTRODUCTION, _summary(), *_operations()]
    sections += [
        _settings(
            "Initializers", "For `init =`, `bias_init =`, `param` and `buffer`.", INITIALIZERS
        ),
        _settings("Data sources", "For `data =`.", SOURCES),
        _settings("Optimizers", "For `optimizer =`.", OPTIMIZERS),
        _settings("Schedules", "For `schedule =`: factors of the base rate.", SCHEDULES),
        _settings("Clipping", "For `clip =`.", CLIPS),
        _settings("Metrics", "For `metrics =`, over the whole test part.", METRICS),
        _library(),
    ]
    return "\n".join(sections)


def _summary() -> str:
    tables = coverage()
    rows = [f"| {target} | {_count(tables[target])} |" for target in TARGETS]
    total = f"| target | of {len(OPERATIONS)} operations |"
    return "\n".join([total, "|---|---:|", *rows, ""])


def _count(table: Mapping[str, str | None]) -> int:
    return sum(reason is None for reason in table.values())


# ------------------------------------------------------------------------------------- operations


def _operations() -> Iterator[str]:
    families: dict[str, list[str]] = {title: [] for title in _FAMILIES.values()}
    for name, cls in OPERATIONS.items():
        module = cls.__module__.rsplit(".", 1)[1]
        families.setdefault(_FAMILIES.get(module, module.capitalize()), []).append(name)
    for title, names in families.items():  # sorted: the order of imports is not one
        entries = "\n".join(_operation(name, OPERATIONS[name]) for name in sorted(names))
        yield f"## {title}\n\n{entries}"


def _operation(name: str, cls: type[Op]) -> str:
    kind = "layer" if issubclass(cls, LayerOp) else "function"
    missing = [
        f"Not in {target}: {reason}.\n"
        for target in TARGETS
        if (reason := coverage()[target][name]) is not None
    ]
    for target in TARGETS:
        missing += [f"Not in {target}{limit}.\n" for limit in lowerings(target).limits(cls)]
    parts = [f"### `{name}`", f"*{kind}* `{_signature(cls)}`", _prose(cls), *_facts(cls), *missing]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _facts(cls: type[Op]) -> Iterator[str]:
    """What the class declares and the docstring need not repeat."""
    if cls.nan is not Nan.PROPAGATES:
        yield f"NaN: {cls.nan.value}.\n"
    for target in TARGETS:  # of NaN and infinity, where that is not what the class says
        for exception in lowerings(target).exceptions(cls):
            yield f"In {target}{exception}.\n".replace("onnx's", "the direct")


def _signature(cls: type[Any]) -> str:
    """The signature without what every layer has."""
    return re.sub(r", (bias_)?init: initializer \| none = none", "", str(signature(cls)))


def _prose(cls: type[Any]) -> str:
    """The docstring; what it indents is an example in the language."""
    lines: list[str] = []
    inside = False
    for line in (inspect.getdoc(cls) or "").splitlines():
        indented = line.startswith("    ")
        if line and indented != inside:
            lines.append("```" if inside else "```text")
            inside = indented
        lines.append(line[4:] if indented else line)
    if inside:
        lines.append("```")
    return "\n".join(_tidy(lines)) + "\n"


def _tidy(lines: Iterable[str]) -> Iterator[str]:
    """Without blank lines before the end of an example."""
    held = 0
    for line in lines:
        if not line:
            held += 1
            continue
        if line != "```":
            yield from [""] * held
        held = 0
        yield line


# --------------------------------------------------------------------------------------- settings


def _settings(title: str, use: str, table: Mapping[str, type[Any]]) -> str:
    rows = (f"- `{signature(cls)}` {_first_sentences(cls)}".rstrip() for cls in table.values())
    return "\n".join((f"## {title}\n\n{use}\n", *rows)) + "\n"


def _first_sentences(cls: type[Any]) -> str:
    return " ".join(inspect.cleandoc(cls.__dict__.get("__doc__") or "").split())


# ---------------------------------------------------------------------------------------- library


def _library() -> str:
    lines = [
        "## Standard library\n\nWritten in the language: `from std.vision import BasicBlock`.\n"
    ]
    for module in std_modules():
        lines.append(f"### `{module}`\n")
        source = std_source(module)
        assert source is not None
        for declaration in parse(source).module.declarations:
            if isinstance(declaration, nodes.Block):
                words = (declaration.documentation or "").split()
                lines.append(f"- `{_header(declaration)}` {' '.join(words)}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _header(block: nodes.Block) -> str:
    parameters = ", ".join(
        p.name if p.default is None else f"{p.name} = {p.default.span.text}"
        for p in block.parameters
    )
    return f"{block.name}({parameters})" if parameters else block.name


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
