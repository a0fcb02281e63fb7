"""Text of a model in a script: it stays text, wherever it stands and whatever it says.

A script with hostile text has the syntax tree of the one with harmless text but for its string
constants, compiles, and is clean.
"""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import tercet
from tercet.compiler.data.tables import identifier
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, script_text

CASES = Path(__file__).parent / "hostile"
HARMLESS = "plain words"

PAYLOADS = {
    "closing": 'a """ + str(print("RAN")) + """ b',
    "closing at the start": '""" if not print("RAN") else """',
    "four quotes": '""""',
    "six quotes": '""""""',
    "one quote": '"',
    "quote at the end": 'the paper calls it "attention"',
    "quote at the start": '"attention" it is called',
    "apostrophe": "it's ''' here",
    "both quotes": 'it\'s "both"',
    "backslash": "a \\ b",
    "backslash at the end": "a \\",
    "backslash and quote": '\\"',
    "backslashes and quotes": '\\\\""" \\""" \\\\"',
    "named character": "\\N{DIGIT ONE} \\N{",
    "escapes": "\\x4 \\u12 \\xi \\alpha \\777 C:\\Users\\new",
    "braces": "{x} {{x}} {print('RAN')} }{ {",
    "percent": "100% %(prog)s %(prog)d %s %",
    "comment": "x # noqa # type: ignore # fmt: off # -*- coding: utf-7 -*-",
    "directives": "ruff: noqa: isort: skip_file",
    "code": "import os; os.system('x')",
    "right to left": "a \u202e b \u2066 c \u200b d \ufeff",
    "other spaces": "a \u3000 b \u00a0 c \u2028 d",
    "beyond the plane": "\U0001f469\u200d\U0001f52c \U000e0001",
    "long": "long " * 300,
    "long word": "x" * 3000,
}
CONTROLS = {
    "line feed": "a\nprint('RAN')\nb",
    "carriage return": "a\rprint('RAN')\rb",
    "form feed": "a\x0cb",
    "escape sequence": "\x1b[2J\x1b]0;title\x07",
    "delete": "a\x7fb",
    "eight-bit sequence": "a\x9b2J\x85b",
}
"""What no comment of a `.model` holds, but strings and names of files do."""
SURROGATES = {"not UTF-8": os.fsdecode(b"a\xff\xfeb")}
"""What only the command line and names of files hold."""

LIBRARY = """
# {comment}
block B(units = 2) {{
    input x: f32[N, D]
    # {comment}
    output x |> dense(units)
}}
"""
TEXT_MODEL = """
from "lib.model" import B
# {comment}
# {comment}
model M(mode = "a", other = {string}) {{ # {comment}
    input ids: i64[N, T]
    assert T > 2, {string}
    assert T > 1, "{{mode}} and {{other}}, {{T}}"
    y = ids |> embedding(256, 4) |> mean(axis = 1) |> B
    output y
}}
# {comment}
train M {{
    data = text({path}, window = 8) {{ ids = ids }}
    loss = mean(y * y)
    optimizer = sgd(lr = 0.1, weight_decay = 0.1)
    no_decay = [{pattern}]
    batch = 2
    epochs = 1
}}
"""
CSV_MODEL = """
# {comment}
model M {{
    input x: f32[N, 2]
    output y = x |> dense(1)
}}
train M {{
    target t: f32[N, 1]
    data = csv({path}) {{ x = stack([a, {column}], axis = 1), t = reshape(a, [N, 1]) }}
    loss = mse(y, t)
    optimizer = sgd(lr = 0.1)
    batch = 2
    epochs = 1
}}
"""


def quoted(text: str) -> str:
    """The text as a string of the language."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    control = {c: f"\\u{ord(c):04x}" for c in map(chr, [*range(32), *range(127, 160)])}
    return '"' + "".join(escapes.get(c, control.get(c, c)) for c in text) + '"'


def file_name(text: str) -> str:
    """The text as far as it is the name of a file."""
    return text.replace("/", "_").replace("\0", "_")[:60].strip() or "_"


@dataclass(frozen=True)
class Text:
    """What the places of a model hold."""

    comment: str = HARMLESS
    string: str = HARMLESS
    path: str = HARMLESS
    name: str = HARMLESS
    parameter: str = HARMLESS


def text_script(text: Text, folder: Path, target: str) -> str:
    """A script of a model with text in comments, messages, parameters, patterns and paths."""
    home = folder / file_name(text.name)
    home.mkdir(parents=True)
    (home / "lib.model").write_text(LIBRARY.format(comment=text.comment), encoding="utf-8")
    source = TEXT_MODEL.format(
        comment=text.comment,
        string=quoted(text.string.replace("{", "{{").replace("}", "}}")),
        path=quoted(f"data/{text.path}.txt"),
        pattern=quoted(f"*[a-z {text.string.replace(']', '')}]*"),
    )
    path = home / f"{file_name(text.name)}.model"
    path.write_text(source, encoding="utf-8")
    project = tercet.load(path, parameters={"mode": quoted(text.parameter)})
    return script_text(project, target, folder / "scripts")


def csv_script(text: Text, folder: Path, target: str) -> str:
    """A script of a model with text in the path and the header of a table."""
    name = f"{file_name(text.path)}.csv"
    header = f"b {text.string[:100]}"
    folder.mkdir(parents=True)
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["a", header], [1, 2], [3, 4], [5, 6]])
    source = CSV_MODEL.format(comment=text.comment, path=quoted(name), column=identifier(header))
    path = folder / f"{file_name(text.name)}.model"
    path.write_text(source, encoding="utf-8")
    return script_text(tercet.load(path), target, folder)


def shape(script: str) -> str:
    """The syntax tree without what strings say."""
    tree = ast.parse(script)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@dataclass(frozen=True)
class Compiled:
    """The scripts of one target: of the model with a text and of that with a table, by payload."""

    text: dict[str, str]
    csv: dict[str, str]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = tmp_path_factory.mktemp("hostile")
    texts = {name: Text(p, p, p, p, p) for name, p in PAYLOADS.items()}
    texts |= {name: Text(string=p, name=p, parameter=p) for name, p in CONTROLS.items()}
    texts |= {name: Text(name=p, parameter=p) for name, p in SURROGATES.items()}
    texts["harmless"] = Text()
    places = {name: folder / str(number) for number, name in enumerate(texts)}
    return Compiled(
        {name: text_script(t, places[name] / "text", request.param) for name, t in texts.items()},
        {name: csv_script(t, places[name] / "csv", request.param) for name, t in texts.items()},
    )


@pytest.mark.parametrize("name", [*PAYLOADS, *CONTROLS, *SURROGATES])
def test_text_stays_text(name: str, compiled: Compiled) -> None:
    for scripts in (compiled.text, compiled.csv):
        compile(scripts[name], "script.py", "exec")
        assert shape(scripts[name]) == shape(scripts["harmless"])
        assert scripts[name].replace("\n", "").isprintable()


def test_scripts_are_clean(compiled: Compiled, tmp_path: Path) -> None:
    scripts = [*compiled.text.values(), *compiled.csv.values()]
    for number, script in enumerate(scripts):
        (tmp_path / f"script_{number}.py").write_text(script, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B"]):
        options = ["--isolated", "--line-length", "88", str(tmp_path)]
        done = subprocess.run([*ruff, *command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_docstring_is_the_comment(compiled: Compiled) -> None:
    for name, payload in PAYLOADS.items():
        documented = [
            " ".join(docstring.split())
            for node in ast.parse(compiled.text[name]).body
            if isinstance(node, ast.ClassDef) and (docstring := ast.get_docstring(node))
        ]
        words = " ".join(payload.split())
        assert {words, f"{words} {words}"} <= {*documented}, name


@pytest.mark.parametrize("payload", CONTROLS.values(), ids=CONTROLS)
def test_paths_hold_no_controls(payload: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="`path` cannot hold"):
        text_script(Text(path=payload), tmp_path, "pytorch")


@pytest.mark.parametrize("name", ["escape sequence", "delete", "eight-bit sequence"])
def test_comments_hold_no_controls(name: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="has no meaning here"):
        text_script(Text(comment=CONTROLS[name]), tmp_path, "pytorch")


@pytest.mark.parametrize("target", FRAMEWORKS)
@pytest.mark.parametrize("case", sorted(CASES.glob("inject_*/*.model")), ids=lambda p: p.name)
def test_cases(case: Path, target: str, tmp_path: Path) -> None:
    """The same models with harmless comments and names have the same scripts."""
    script = script_text(tercet.load(case), target, tmp_path)
    for path in (case, *case.parent.glob("imp/*.model")):
        plain = tmp_path / ("plain.model" if path == case else f"imp/{path.name}")
        plain.parent.mkdir(exist_ok=True)
        plain.write_text(re.sub("^#.*", "# words", path.read_text(), flags=re.MULTILINE))
    harmless = script_text(tercet.load(tmp_path / "plain.model"), target, tmp_path)
    assert shape(script) == shape(harmless)
    comments = re.findall("^# (.*)", case.read_text(), flags=re.MULTILINE)
    classes = [node for node in ast.parse(script).body if isinstance(node, ast.ClassDef)]
    assert {*comments} <= {ast.get_docstring(node) for node in classes}
    assert case.name in (ast.get_docstring(ast.parse(script)) or "")
