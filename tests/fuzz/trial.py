"""One text through everything that reads texts: checked, formatted twice, compiled.

What may come out is a program or diagnostics, soon.  Anything else is a finding.
"""

from __future__ import annotations

import ast
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tercet.compiler.graph.verifier import verify
from tercet.compiler.pipeline import CompileResult, load
from tercet.dsl.codes import CODES
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.formatter import format_source
from tercet.dsl.parser import parse
from tercet.dsl.render import render
from tercet.dsl.source import Source
from tercet.project import FRAMEWORKS, Project, drafts
from tests.dsl.dump import dump

SECONDS = 5.0
"""Of processor time, for everything that is done with one text."""


@dataclass(frozen=True)
class Outcome:
    """What became of a text: `stage` is how far it came, `finding` what should not have been."""

    stage: str
    seconds: float
    finding: str | None = None


class _TooSlow(BaseException):
    """Not an Exception: nothing that is tried may catch it."""


def tried(text: bytes, folder: Path) -> Outcome:
    """What becomes of a text that stands in a file of `folder`."""
    path = folder / "net.model"
    path.write_bytes(text)
    start = time.process_time()
    stage, finding = "read", None
    try:
        with _limited():
            for reached in _stages(path):
                stage = reached
    except _TooSlow:
        finding = f"more than {SECONDS:g} s after the stage {stage}"
    except Exception as problem:
        where = traceback.extract_tb(problem.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        finding = f"{type(problem).__name__} at {place}: {str(problem)[:200]}"
    return Outcome(stage, time.process_time() - start, finding)


def _stages(path: Path) -> Iterator[str]:
    result = load(path)
    yield _checked(result)
    if result.source.text or not result.errors:
        yield _formatted(result.source)
    if result.program is None:
        return
    yield "compiled" if _compiled(path, result) else "refused"


def _checked(result: CompileResult) -> str:
    assert (result.program is None) == bool(result.errors), "neither a program nor an error"
    for diagnostic in result.diagnostics:
        assert diagnostic.code in CODES, f"no code {diagnostic.code}"
        span = diagnostic.span
        assert 0 <= span.start <= span.end <= len(span.source.text), "a span outside of its text"
        assert render(diagnostic).replace("\n", "").isprintable(), "a message does not print"
    if result.program is None:
        return "wrong"
    verify(result.program)
    return "right"


def _formatted(source: Source) -> str:
    try:
        once = format_source(source)
    except DiagnosticError:
        return "wrong syntax"
    again = Source(source.name, once)
    assert dump(parse(again).module) == dump(parse(source).module), "formatting changes a tree"
    assert format_source(again) == once, "formatting twice is not formatting once"
    return "formatted"


def _compiled(path: Path, result: CompileResult) -> bool:
    assert result.program is not None
    refused = False
    for graph in result.program.models.values():
        project = Project(path, result.source, result.program, graph, result.warnings)
        try:
            printed = drafts(project, FRAMEWORKS, path.parent)
        except DiagnosticError:
            refused = True
            continue
        for draft in printed.values():
            ast.parse("\n".join((draft.header, *draft.imports, draft.body)))
    return not refused


@contextmanager
def _limited() -> Iterator[None]:
    """Ends what takes more processor time than a text may."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
