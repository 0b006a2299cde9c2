"""The wheel: what is in it, and that it installs and works without Node, in the oldest and the newest Python here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

import lightly_widget
from tests.lowest import constraints

PACKAGE = Path(lightly_widget.__file__).parent
ROOT = PACKAGE.parent
OLDEST = (3, 11)

FIRST_STEPS = """
import shutil, sys, tempfile
import numpy as np
import lightly_widget as lw

assert shutil.which("node") is None and shutil.which("npm") is None
assert {root!r} not in lw.__file__, lw.__file__
vectors = np.random.default_rng(0).normal(size=(50, 8)).astype("float32")
with tempfile.TemporaryDirectory() as folder:
    table = {{"sample_id": [f"s{{i}}" for i in range(50)], "size": list(range(50))}}
    dataset = lw.Dataset.from_polars(table, vectors, name="arrays", path=folder)
    result = dataset.query().sampling().diverse(10, "picked")
    assert len(result) == len(set(result)) == 10
    explorer = dataset.explore()
    assert explorer._esm
    print(sys.version_info[:2], len(result))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert (PACKAGE / "static" / "widget.js").exists(), "the front end is not built: `make bundle`"
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_ships_the_bundle_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for name in ("widget.js", "page.js"):
            assert archive.read(f"lightly_widget/static/{name}") == (PACKAGE / "static" / name).read_bytes()
    assert "lightly_widget/py.typed" in names
    assert not [name for name in names if not name.startswith(("lightly_widget/", "lightly_widget-"))]


@cache
def pythons() -> dict[tuple[int, int], str]:
    """The CPythons of this machine that the package supports: version → executable, the oldest first."""
    found = {}
    # The shims of pyenv lead nowhere but to the version that is chosen: its folder is read, too.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(OLDEST[1], 30):
        name = next(map(str, pyenv.glob(f"3.{minor}.*/bin/python3.{minor}")), shutil.which(f"python3.{minor}"))
        code = "import sys, venv; print(sys.executable)"
        done = subprocess.run([name, "-c", code], capture_output=True, text=True, check=False) if name else None
        if done and done.returncode == 0:  # a shim of a version manager may lead nowhere
            found[(3, minor)] = done.stdout.strip()
    return found


def install(python: str, folder: Path, constraints_file: Path, *requirements: str) -> str:
    """A new environment with these requirements; its Python."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    own = str(folder / "bin" / "python")
    pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(constraints_file)]
    done = subprocess.run([*pip, *requirements], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return own


def run_first_steps(python: str, folder: Path) -> None:
    script = FIRST_STEPS.format(root=str(ROOT))
    alone = {"PATH": str(Path(python).parent), "HOME": str(folder)}
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False, env=alone, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_the_wheel_works_without_node(which: str, wheel: Path, tmp_path: Path) -> None:
    if OLDEST not in pythons():
        pytest.skip("Python 3.11 is not on PATH")
    if which == "newest" and len(pythons()) == 1:
        pytest.skip("only Python 3.11 is on PATH: there is no newer one to try")
    python = pythons()[OLDEST if which == "oldest" else max(pythons())]
    own = install(python, tmp_path / "venv", ROOT / "constraints.txt", str(wheel))
    run_first_steps(own, tmp_path)


@pytest.mark.lowest
@pytest.mark.timeout(1200)
def test_the_lowest_versions_allowed_work(wheel: Path, tmp_path: Path) -> None:
    if OLDEST not in pythons():
        pytest.skip("Python 3.11 is not on PATH")
    pins = tmp_path / "lowest.txt"
    pins.write_text("\n".join(constraints()))
    own = install(pythons()[OLDEST], tmp_path / "venv", pins, str(wheel), "hypothesis", "pytest", "pytest-timeout")
    run_first_steps(own, tmp_path)
    leave = shutil.ignore_patterns("browser", "__pycache__")
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=leave)
    chosen = [f"tests/test_{name}.py" for name in ("checks", "errors", "query", "strategies", "store")]
    command = [own, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout", "600", *chosen]
    own_packages = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=own_packages)
    assert done.returncode == 0, done.stdout[-3000:]


def test_lower_bounds_are_found_in_requirements() -> None:
    pins = constraints()
    assert any(re.fullmatch(r"polars==[\d.]+", pin) for pin in pins)
    assert not [pin for pin in pins if pin.startswith("lightly")]
