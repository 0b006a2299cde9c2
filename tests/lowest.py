"""Print constraints that pin each dependency of pyproject.toml to the lowest version that it allows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(requirements: list[str]) -> list[str]:
    """`polars>=2,<3` → `polars==2`; what has no lower bound, or is pinned already, is left out."""
    found = (re.match(r"([A-Za-z0-9._-]+)\s*>=\s*([\w.]+)", requirement) for requirement in requirements)
    return [f"{match[1]}=={match[2]}" for match in found if match]


def constraints() -> list[str]:
    """The pins of what users install: the package, and its extras but those for demos, tests and benchmarks."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    extras = project["optional-dependencies"]
    ours = [name for name in extras if name not in {"demo", "test", "bench"}]
    return lowest([*project["dependencies"], *(item for name in ours for item in extras[name])])


if __name__ == "__main__":
    print("\n".join(constraints()))
