"""What docs/architecture.md and CONTRIBUTING.md say of files and imports is so."""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["docs/architecture.md", "CONTRIBUTING.md"]
LAYERS = ["dsl", "compiler", "codegen", "backends", "tercet"]


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Neither by imports inside functions nor by those for types alone, packages' own included."""
    graph = grimp.build_graph("tercet", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`((?:dsl|compiler|codegen|backends|tercet|tests|docs)/[\w/.]*)`", text)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_without_a_folder_are_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    files = {path.name for layer in LAYERS for path in (ROOT / layer).rglob("*.py")}
    files |= {path.name for path in (ROOT / "tests").rglob("*.py")}
    named = re.findall(r"`(\w+\.py)`", text)
    assert [name for name in named if name not in files] == []


def test_every_folder_has_its_room() -> None:
    """Of the targets one stands for all."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for layer in LAYERS
        for path in (ROOT / layer).rglob("__init__.py")
    }
    inside = {f for f in folders if re.fullmatch(r"backends/\w+", f)}
    linked = {f for f in folders for layer in LAYERS if f.startswith(f"tercet/{layer}")}
    rooms = set(re.findall(r"`([\w/]+)/`", text))
    assert folders - inside - linked - rooms == set()
