"""Record the real kernel's answers about the dev page's samples: `python js/dev/record.py`, from the repository root.

The page replays these messages and computes no answers of its own. What a page or a test newly asks for goes into
`requests()`.
"""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image

import lightly_widget as lw
from lightly_widget.widget import Explorer

JS: Final = Path(__file__).parents[1]
POINTS: Final = 4000
PATIENCE: Final = 120.0
SCRIPT: Final = f"""
import {{ makeWorld, textOf, titleOf }} from "./dev/data.ts";
const world = makeWorld({POINTS});
const points = Array.from({{ length: {POINTS} }}, (_, point) => point);
console.log(JSON.stringify({{ ...world, x: [...world.x], y: [...world.y], group: [...world.group],
  brightness: [...world.brightness], tags: [...world.tags],
  titles: points.map(titleOf), texts: points.map((point) => textOf(world, point)) }}));
"""
# What tells the requests of one kind apart; the rest of a request does not change the answer.
ESSENTIAL: Final = {
    "colors": ["color_by"],
    "clusters": ["color_by"],
    "filter": ["filter"],
    "code": ["filter"],
    "metrics": ["source", "metadata"],
    "recipe": [],
    "detail": [],
    "neighbors": [],
    "find": [],
}
LABELS: Final = {"by": "label", "key": "labels"}
BRIGHT: Final = {"op": "compare", "field": "metadata.brightness", "cmp": ">", "value": 0.5}
DIVERSITY: Final = {"type": "diversity", "strength": 1.0, "embedding_model_name": None}


class Model:
    """Stands for the model that made the vectors, so that the page may look for pictures and for text."""

    dimension = 2

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind

    def embed(self, items: Sequence[Any]) -> np.ndarray:
        return np.tile(np.array([[0.3, 0.4]], dtype=np.float32), (len(items), 1))


class Front(Explorer):
    """An explorer whose messages are kept instead of sent."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        self.said: list[dict[str, Any]] = []
        self.asked = 0
        super().__init__(dataset, projection="pca", **options)

    def send(self, content: Any, buffers: Any = None) -> None:
        parts = [base64.b64encode(bytes(part)).decode() for part in buffers or ()]
        self.said.append({"content": content, "buffers": parts})

    def ask(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """The messages that answer a request, and the masks that it changed."""
        self.asked, first = self.asked + 1, len(self.said)
        self._msg_callbacks(self, {"kind": kind, "id": self.asked, **fields}, [])
        assert self.wait(PATIENCE)
        return [_plain(one) for one in self.said[first:] if one["content"]["kind"] != "progress"]


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in said["content"].items() if key not in {"seq", "id", "done"}}
    return {"content": content, "buffers": said["buffers"]}


def world() -> dict[str, Any]:
    """The page's samples."""
    bundle = ["node_modules/.bin/esbuild", "--bundle", "--format=esm", "--loader=ts"]
    built = subprocess.run(bundle, input=SCRIPT, cwd=JS, check=True, capture_output=True, text=True).stdout
    run = ["node", "--input-type=module"]
    found: dict[str, Any] = json.loads(
        subprocess.run(run, input=built, cwd=JS, check=True, capture_output=True, text=True).stdout
    )
    return found


def fill(dataset: Any, made: dict[str, Any]) -> None:
    ids = dataset.query().sample_ids.to_list()
    dataset.metadata.update(
        pl.DataFrame(
            {
                "sample_id": ids,
                "brightness": made["brightness"],
                "weather": [made["weather"][at % 4] for at in range(POINTS)],
            }
        )
    )
    classes = {one: made["classes"][code] for one, code in zip(ids, made["group"], strict=True)}
    dataset.labels.add_classifications(classes, annotation_source="labels")
    for tag, points in made["tags"]:
        dataset.select([ids[point] for point in points]).add_tag(tag)


def images(folder: Path, made: dict[str, Any]) -> Any:
    """The samples as images; what they show is drawn in the page."""
    (folder / "images").mkdir()
    for title in made["titles"]:
        Image.new("1", (640, 480)).save(folder / "images" / title)
    dataset = lw.ImageDataset.create("street-scenes", path=folder)
    vectors = dict(zip(made["titles"], zip(made["x"], made["y"], strict=True), strict=True))

    class Positions(Model):
        def embed(self, items: Sequence[Any]) -> np.ndarray:
            return np.array([vectors[Path(str(item)).name] for item in items], dtype=np.float32)

    dataset.add_images_from_path(folder / "images", embed=False, progress=_quiet)
    dataset.embed(Positions("efficientnet-lite0", "image"), progress=_quiet)
    fill(dataset, made)
    return dataset


def texts(folder: Path, made: dict[str, Any]) -> Any:
    frame = pl.DataFrame({"text": made["texts"]})
    dataset = lw.Dataset.from_polars(frame, name="street-scenes", path=folder)
    dataset.embed(Model("minilm", "text"), progress=_quiet)
    fill(dataset, made)
    return dataset


def _quiet(fraction: float) -> None:
    """No progress bar."""


def requests() -> Iterator[dict[str, Any]]:
    """All that the page and its tests ask for, in order, after a sample of 100."""
    yield {"kind": "colors", "color_by": {"by": "none"}}
    yield {"kind": "colors", "color_by": {"by": "typicality"}}
    for by in (LABELS, *({"by": "tag", "key": tag} for tag in ("train-2025", "reviewed"))):
        yield {"kind": "colors", "color_by": by}
    for key in ("brightness", "weather"):
        yield {"kind": "colors", "color_by": {"by": "metadata", "key": key}}
    colored = [LABELS, {"by": "none"}, {"by": "typicality"}, {"by": "tag", "key": "train-2025"}]
    for by in (*colored, *({"by": "metadata", "key": key} for key in ("brightness", "weather"))):
        yield {"kind": "clusters", "color_by": by}
    for source in (None, "labels"):
        for key in (None, "brightness", "weather"):
            yield {"kind": "metrics", "n_samples_to_select": 100, "source": source, "metadata": key}
    yield {"kind": "recipe", "n_samples_to_select": 100, "tag": "diverse-100"}
    yield {"kind": "detail", "point": 0}
    yield {"kind": "neighbors", "point": 0, "k": 10, "model": None}
    yield {"kind": "find", "point": 0, "k": 50}
    either = [BRIGHT, BRIGHT | {"cmp": ">="}, BRIGHT | {"value": 0.0}, BRIGHT | {"cmp": ">=", "value": 0.0}]
    filters = [None, *either, *({"op": "has_tag", "tag": tag} for tag in ("train-2025", "reviewed"))]
    filters += [_of_class("bridge"), *(_is("weather", value) for value in ("clear", "fog"))]
    filters += [
        {"op": "and", "items": [BRIGHT, _of_class("bridge")]},
        {"op": "not", "item": {"op": "and", "items": []}},
    ]
    labeled = {"op": "compare", "field": "annotation_source", "cmp": "==", "value": "labels"}
    filters += [{"op": "not", "item": {"op": "annotated", "type": None, "criteria": labeled}}]
    filters += [{"op": "not", "item": {"op": "is_null", "field": "metadata.brightness"}}]
    for one in filters:
        yield {"kind": "code", "filter": one}
        yield {"kind": "filter", "filter": one}
    yield {"kind": "filter", "filter": None}


def _is(key: str, value: str) -> dict[str, Any]:
    return {"op": "compare", "field": f"metadata.{key}", "cmp": "==", "value": value}


def _of_class(name: str) -> dict[str, Any]:
    same = [("class_name", name), ("annotation_source", "labels")]
    items = [{"op": "compare", "field": field, "cmp": "==", "value": value} for field, value in same]
    return {"op": "annotated", "type": "classification", "criteria": {"op": "and", "items": items}}


def key_of(request: dict[str, Any]) -> str:
    """What the page looks an answer up by."""
    parts = [request["kind"], *(request[name] for name in ESSENTIAL[request["kind"]])]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def sample(front: Front, n: int, strength: float = 1.0, **fields: Any) -> list[dict[str, Any]]:
    return front.ask(
        "sample",
        n_samples_to_select=n,
        **{"strategies": [DIVERSITY | {"strength": strength}], "candidates": {"from": "all"}}
        | {"preselected_tag_name": None, "pinned": [], "excluded": []}
        | fields,
    )


def picks(front: Front, strength: float) -> dict[str, Any]:
    """All points in the order in which they would be picked."""
    sample(front, POINTS, strength)
    entry = front._session.history.current
    gains = [float(f"{gain:.3g}") if np.isfinite(gain) else 0.0 for gain in entry.result.gains]
    return {"points": [int(point) for point in entry.points], "gains": gains}


def files(front: Front) -> dict[str, Any]:
    """What is said about a file that is written, and about its place before and after."""
    path = {"path": "diverse-100.csv"}
    export = {"format": "csv", "n_samples_to_select": 100, "overwrite": False} | path
    return {
        "free": front.ask("check_path", **path)[-1]["content"],
        "exported": front.ask("export", **export)[-1]["content"],
        "taken": front.ask("check_path", **path)[-1]["content"],
        "refused": front.ask("export", **export)[-1]["content"],
        "folder": front.ask("check_path", path="folder/")[-1]["content"],
    }


def tag(front: Front) -> dict[str, Any]:
    """What is said about a sample that is saved, the first time and the second."""
    save = {"name": "diverse-100", "n_samples_to_select": 100, "grow": False}
    return {name: front.ask("save_tag", **save)[-1]["content"] for name in ("saved", "refused")}


def record(made: dict[str, Any], folder: Path) -> dict[str, Any]:
    (folder / "folder").mkdir()
    front = Front(images(folder, made), export_root=folder)
    try:
        front.ask("hello", protocol=1)
        ends = {name: front.ask(name)[-1]["content"] for name in ("undo", "redo")}
        front._handlers.present.sample(cancelled=True)
        ends["cancelled"] = _plain(front.said[-1])["content"]
        ends["no_strategy"] = sample(front, 100, strategies=[])[-1]["content"]
        runs = {"positive": picks(front, 1.0), "negative": picks(front, -1.0)}
        ends["exhausted"] = sample(front, 100, candidates={"from": "tag", "tag": "reviewed"})[-1]["content"]
        ends["complete"] = sample(front, 100)[-1]["content"]
        answers = {key_of(one): front.ask(**one) for one in requests()}
        info = dict(front.info)
        kept = {"files": files(front), "tag": tag(front)}
    finally:
        front.close()
    words = Front(texts(folder / "texts", made))
    try:
        told = {"image": info, "text": dict(words.info)}
    finally:
        words.close()
    for one in told.values():
        one["session"] = "recorded"
    head = {"points": POINTS, "essential": ESSENTIAL, "info": told}
    return head | {"picks": runs, "ends": ends, "answers": answers} | kept


def main() -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "texts").mkdir()
        said = json.dumps(record(world(), folder), ensure_ascii=False, separators=(",", ":"))
    path = JS / "dev/recordings/answers.json"
    path.write_text(said.replace(name, "/home/me") + "\n")


if __name__ == "__main__":
    main()
