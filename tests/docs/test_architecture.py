"""What docs/architecture.md says of imports, where the contracts of import-linter do not look."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Neither by imports inside functions nor by those for types alone, packages' own included."""
    graph = grimp.build_graph("tercet", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))
