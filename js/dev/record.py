"""Record what the real sampler picks among the dev page's points: `python js/dev/record.py`, from the repository root.

The page's kernel replays the picks in this order, without those that are not candidates; it samples nothing itself.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import lightly_widget as lw

JS = Path(__file__).parents[1]
POINTS = 4000
SCRIPT = f"""
import {{ makeWorld }} from "./dev/data.ts";
const {{ x, y }} = makeWorld({POINTS});
console.log(JSON.stringify([[...x], [...y]]));
"""


def points() -> np.ndarray:
    """Where the page's samples lie, (n, 2)."""
    bundle = ["node_modules/.bin/esbuild", "--bundle", "--format=esm", "--loader=ts"]
    built = subprocess.run(bundle, input=SCRIPT, cwd=JS, check=True, capture_output=True, text=True).stdout
    said = subprocess.run(
        ["node", "--input-type=module"], input=built, check=True, capture_output=True, text=True
    ).stdout
    return np.array(json.loads(said), dtype=np.float32).T


def main() -> None:
    frame = pl.DataFrame({"number": np.arange(POINTS)})
    with tempfile.TemporaryDirectory() as folder:
        dataset = lw.Dataset.from_polars(frame, embeddings=points(), name="dev page", path=folder)
        sampling = dataset.query().sampling()
        recording = {}
        for name, strength in (("positive", 1.0), ("negative", -1.0)):
            picked = sampling.multi_strategies(POINTS, name, [lw.EmbeddingDiversityStrategy(strength=strength)])
            gains = [float(f"{gain:.3g}") if np.isfinite(gain) else 0.0 for gain in picked.gains]
            recording[name] = {"points": picked.rows.tolist(), "gains": gains}
    path = JS / "dev/recordings/picks.json"
    path.write_text(json.dumps(recording))
    subprocess.run(["node_modules/.bin/biome", "format", "--write", str(path)], cwd=JS, check=True)


if __name__ == "__main__":
    main()
