"""The package as a whole: a light import, names that are all there, rooms that import only from those above."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import lightly_widget

PACKAGE = Path(lightly_widget.__file__).parent
HEAVY = ["torch", "umap", "pynndescent", "numba", "sklearn", "plotly", "lancedb", "lance", "pandas", "labelformat"]

# From the top floor down: a room may import only from rooms listed before it.
ROOMS = [
    "errors",
    "checks",
    "plain",
    "indexes",
    "structs",
    "threads",
    "solver",
    "engines",
    "worth",
    "neighbors",
    "store",
    "strategies",
    "sampling",
    "ingest",
    "embedding",
    "search",
    "maps",
    "export",
    "query",
    "coloring",
    "dataset",
    "plots",
    "wire",
    "jobs",
    "page",
    "widget",
    "demo",
    "cli",
]

# (file, what it imports although it is below or closes a circle): the reason.
EXCEPTIONS = {
    ("dataset.dataset", "widget"): "dataset.explore() is how users get to the explorer",
    ("dataset.candidates", "widget"): "result.to_html() is how users get to a page of it",
    ("sampling.recipe", ""): "a recipe names the version that wrote it",
    ("widget.pages", ""): "a page names the version that wrote it",
}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_heavy() -> None:
    loaded = run(f"import sys, lightly_widget; print([m for m in {HEAVY} if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_public_names_load_nothing_heavy() -> None:
    loaded = run(
        "import sys, lightly_widget as lw\n"
        "for name in lw.__all__: getattr(lw, name)\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert loaded.strip() == "[]"


def test_works_without_torch() -> None:
    run(
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import lightly_widget as lw\n"
        "for name in lw.__all__: getattr(lw, name)\n"
        "import numpy as np\n"
        "from lightly_widget.solver import Diversity, solve\n"
        "points = np.arange(10, dtype=np.float32)[:, None]\n"
        "assert solve([Diversity(points)], n_rows=10, n_picks=5).rows.tolist() == [0, 9, 4, 2, 6]\n"
    )


@pytest.mark.parametrize("name", lightly_widget.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(lightly_widget, name) is not None


def test_unknown_name_says_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lightly_widget.nonsense


def module_of(path: Path) -> str:
    return ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def imports(module: str) -> set[str]:
    """All modules of this package that a file imports: at its top, inside functions, for types; relative ones too."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else base for name in names}
    return {name for name in found if name in FILES} - {module}


@cache
def edges() -> set[tuple[str, str]]:
    return {(module, other) for module in FILES for other in imports(module)}


def is_downwards(importer: str, imported: str) -> bool:
    here, there = room_of(importer), room_of(imported)
    return here != there and here != "__init__" and (there == "__init__" or ROOMS.index(there) > ROOMS.index(here))


def circle(pairs: set[tuple[str, str]]) -> list[str]:
    """A circle of imports between files of one room, or nothing."""
    graph: dict[str, set[str]] = {module: set() for module in FILES}
    for importer, imported in pairs:
        if room_of(importer) == room_of(imported):
            graph[importer].add(imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def excepted() -> set[tuple[str, str]]:
    return {
        (f"lightly_widget.{importer}", f"lightly_widget.{imported}".rstrip(".")) for importer, imported in EXCEPTIONS
    }


def test_each_file_is_in_a_room() -> None:
    strangers = {room_of(module) for module in FILES} - {*ROOMS, "__init__"}
    assert not strangers, f"{strangers} have no place among the rooms: add them here and to ARCHITECTURE.md"


def test_rooms_import_only_upwards() -> None:
    wrong = [f"{a} imports {b}, which is below it" for a, b in sorted(edges() - excepted()) if is_downwards(a, b)]
    assert not wrong, "\n".join(wrong)


def test_no_circle_inside_a_room() -> None:
    assert not circle(edges() - excepted())


def test_the_architecture_names_the_rooms_in_their_order_and_files_that_exist() -> None:
    text = (PACKAGE.parent / "ARCHITECTURE.md").read_text()
    python, _, typescript = text.partition("## The rooms")[2].partition("## One word")[0].partition("TypeScript, ")
    assert [name.strip("/") for name in re.findall(r"^\| `([\w/]+)`", python, re.MULTILINE)] == ROOMS
    root = PACKAGE.parent
    folders = [root, PACKAGE, root / "js", root / "js/src", root / "js/src/scatter", root / "js/src/session"]
    folders += [PACKAGE / room for room in ROOMS]
    named = re.findall(r"`([\w./-]*(?:/|\.py|\.ts|\.js))`", python + typescript)
    kept = [name for name in named if "static/" not in name]  # what is built need not be there yet
    assert [name for name in kept if not any((folder / name).exists() for folder in folders)] == []


@pytest.mark.parametrize("edge", sorted(excepted()), ids=" imports ".join)
def test_each_exception_is_still_needed(edge: tuple[str, str]) -> None:
    needed = edge in edges() and (is_downwards(*edge) or circle(edges() - (excepted() - {edge})))
    assert needed, f"{edge[0]} no longer needs an exception to import {edge[1]}: delete its line from EXCEPTIONS"


@pytest.mark.parametrize("module", FILES)
def test_nothing_raises_not_implemented(module: str) -> None:
    raised = [node.exc for node in ast.walk(ast.parse(FILES[module].read_text())) if isinstance(node, ast.Raise)]
    names = {ast.unparse(error).partition("(")[0] for error in raised if error is not None}
    assert "NotImplementedError" not in names, "leave the method out, or make it abstract"


def test_relative_and_hidden_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "race.py"
    file.write_text(
        "from typing import TYPE_CHECKING\n"
        "from . import terms\nfrom ..store import locks\nfrom .greedy import solve\n"
        "if TYPE_CHECKING:\n    from lightly_widget.widget import traits\n"
        "def f():\n    import lightly_widget.plots\n    from lightly_widget import errors\n"
    )
    monkeypatch.setitem(FILES, "lightly_widget.solver.race", file)
    names = {"solver.terms", "store.locks", "solver.greedy", "widget.traits", "plots", "errors"}
    assert imports("lightly_widget.solver.race") == {f"lightly_widget.{name}" for name in names}


def test_version_is_the_metadata_version() -> None:
    assert importlib.import_module("importlib.metadata").version("lightly-widget") == lightly_widget.__version__
