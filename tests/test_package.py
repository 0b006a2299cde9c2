"""The package as a whole: a light import, names that are all there, rooms that import only from those above."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import lightly_widget

PACKAGE = Path(lightly_widget.__file__).parent
HEAVY = ["torch", "umap", "pynndescent", "numba", "sklearn", "plotly", "lancedb", "lance", "pandas", "labelformat"]

# From the top floor down: a room may import only from rooms listed before it.
ROOMS = [
    "errors",
    "indexes",
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
    "query",
    "sampling",
    "ingest",
    "embedding",
    "projection",
    "export",
    "dataset",
    "plots",
    "wire",
    "jobs",
    "widget",
]


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


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms that a file imports when it is itself imported: not those inside functions or for type checking alone."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lightly_widget"):
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_only_upwards(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in ROOMS, f"{room} has no place among the rooms: add it here and to ARCHITECTURE.md"
    below = {other for other in imported_rooms(path) if other in ROOMS and ROOMS.index(other) > ROOMS.index(room)}
    assert not below, f"{path.name} imports {sorted(below)}, which are below it"


def test_version_is_the_metadata_version() -> None:
    assert importlib.import_module("importlib.metadata").version("lightly-widget") == lightly_widget.__version__


def test_the_wheel_ships_the_bundle_and_nothing_of_the_tests(tmp_path: Path) -> None:
    bundle = PACKAGE / "static" / "widget.js"
    assert bundle.exists(), "the front end is not built: `make bundle`"
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(PACKAGE.parent),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.read("lightly_widget/static/widget.js") == bundle.read_bytes()
    assert "lightly_widget/py.typed" in names
    assert not [name for name in names if not name.startswith(("lightly_widget/", "lightly_widget-"))]
