"""The classes that README and tutorial show: those of the scripts that their models compile to.

`python -m tercet.docs` writes them anew, a test compares them.  On such a page the last block of
the language is the model, and every Python block that begins with a class is taken from the script
of the target that has its base class.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tercet.project import FRAMEWORKS, open_project, script_text

_ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (_ROOT / "README.md", _ROOT / "docs" / "tutorial.md")

_MODEL: Final = re.compile(r"^```model(?: \S+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CLASS: Final = re.compile(r"^```python\n(class \w+\(([\w.]+)\):\n.*?)^```$", re.M | re.S)
_TARGETS: Final = dict(
    zip(("nn.Module", "keras.Model", "nn.HybridBlock"), FRAMEWORKS, strict=True)
) | {"layers.Layer": "tensorflow"}


def refreshed(page: Path) -> str:
    """The text of a page with its classes as they are generated now."""
    text = page.read_text(encoding="utf-8")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "digits.model"
        path.write_text(_MODEL.findall(text)[-1], encoding="utf-8")
        project = open_project(path)
        scripts = {t: script_text(project, t, Path(folder)) for t in FRAMEWORKS}

    def current(match: re.Match[str]) -> str:
        shown, base = match.groups()
        return f"```python\n{_class(scripts[_TARGETS[base]], shown.split(':')[0])}\n```"

    return _CLASS.sub(current, text)


def _class(script: str, head: str) -> str:
    found = re.search(rf"^{re.escape(head)}:\n.*?(?=\n\n\n)", script, re.M | re.S)
    if found is None:
        raise ValueError(f"no script has {head}")
    return found.group()
