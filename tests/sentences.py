"""How the sentences of this package are written: the words that are out, and where sentences stand in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 1_200

BANNED = re.compile(
    r"""
      (?<!there\ )\b(?:is|are)\ none\b (?!\ of) | \b(?:which|it)\ is\ none\b
    | (?<!there\ )\b(?:is|are)\ no\ (?!longer\b|more\b)
    | \banew\b | \bin\ words\b | \bshall\b | \bwhole\ numbers?\b | \bset\ right\b
    | \ba\ text\b (?!\ (?:file|model|embed|field|query|search|box|dataset|or\ boolean)) | \blist\ of\ texts\b
    | \b(?:is|are|was)\ told\b | \btold\ (?:to|of|that)\b
    | \bcolour\w* | \bneighbour\w* | \bbehaviour\w* | \bcent(?:re|red|res)\b | \bgrey\b
    | \b\w*(?:maximi|minimi|normali|optimi|seriali|initiali|recogni|summari|organi)s(?:e|es|ed|ing|ation)\b
    | \bcancelling\b | \blabell(?:ed|ing)\b | \bmodell(?:ed|ing)\b | \bwhilst\b | \bcatalogue\b
    """,
    re.VERBOSE,
)


PENDING = {
    "README.md",
    "js/src/panel/Count.tsx",
    "js/src/panel/Foot.tsx",
    "js/src/panel/HoverCard.tsx",
    "js/src/panel/Save.tsx",
    "js/src/panel/charts.tsx",
    "js/src/panel/controls/fields.tsx",
    "js/src/panel/picture.ts",
    "js/src/panel/view.ts",
    "js/src/protocol.ts",
    "js/src/scatter/camera.ts",
    "js/src/scatter/canvas-keeper.ts",
    "js/src/scatter/marks.ts",
    "js/src/scatter/stage.ts",
    "js/src/scatter/theme.ts",
    "js/src/session/handlers.ts",
    "js/src/session/pick-list.ts",
    "js/src/session/samples.ts",
    "js/src/session/sampling.ts",
    "js/src/session/session.ts",
    "lightly_widget/dataset/core.py",
    "lightly_widget/dataset/dataset.py",
    "lightly_widget/dataset/embeddings.py",
    "lightly_widget/dataset/homes.py",
    "lightly_widget/dataset/metadata_values.py",
    "lightly_widget/dataset/table_dataset.py",
    "lightly_widget/dataset/tags.py",
    "lightly_widget/embedding.py",
    "lightly_widget/errors.py",
    "lightly_widget/export/api.py",
    "lightly_widget/export/detections.py",
    "lightly_widget/export/files.py",
    "lightly_widget/ingest/checks.py",
    "lightly_widget/ingest/classes.py",
    "lightly_widget/ingest/coco.py",
    "lightly_widget/ingest/frames.py",
    "lightly_widget/ingest/images.py",
    "lightly_widget/ingest/labels.py",
    "lightly_widget/ingest/locations.py",
    "lightly_widget/ingest/yolo.py",
    "lightly_widget/jobs.py",
    "lightly_widget/neighbors/graph.py",
    "lightly_widget/neighbors/partitions.py",
    "lightly_widget/plots.py",
    "lightly_widget/maps/projection.py",
    "lightly_widget/query/fields.py",
    "lightly_widget/query/query.py",
    "lightly_widget/query/snapshot.py",
    "lightly_widget/sampling/checks.py",
    "lightly_widget/sampling/result.py",
    "lightly_widget/sampling/worth.py",
    "lightly_widget/solver/balancing.py",
    "lightly_widget/solver/facility.py",
    "lightly_widget/solver/farthest.py",
    "lightly_widget/solver/solution.py",
    "lightly_widget/solver/terms.py",
    "lightly_widget/store/checksums.py",
    "lightly_widget/store/commits.py",
    "lightly_widget/store/store.py",
    "lightly_widget/store/tables.py",
    "lightly_widget/strategies/baseline.py",
    "lightly_widget/strategies/by_embedding.py",
    "lightly_widget/strategies/by_value.py",
    "lightly_widget/widget/find.py",
    "lightly_widget/widget/handlers.py",
    "lightly_widget/widget/outbox.py",
    "lightly_widget/widget/pictures.py",
    "lightly_widget/widget/points.py",
    "lightly_widget/widget/projector.py",
    "lightly_widget/widget/traits.py",
    "lightly_widget/wire/codec.py",
    "lightly_widget/wire/parse.py",
    "lightly_widget/wire/requests.py",
    "lightly_widget/worth/probe.py",
    "notebooks/quickstart.ipynb",
}
"""Files whose sentences are still to be rewritten."""


def faults(sentence: str) -> list[str]:
    """The banned words in a sentence, apart from what it quotes: quoted text is somebody's data."""
    plain = re.sub(r"`[^`]*`|'[^' ]*'|\"[^\" ]*\"|\bNone\b", "", sentence).casefold()
    return [match[0] for match in BANNED.finditer(" ".join(plain.split()))]


def python_sentences(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each docstring, comment and string literal that is longer than one word."""
    source = path.read_text()
    parts: set[ast.AST] = set()
    for node in ast.walk(ast.parse(source)):
        if node in parts:
            continue
        if isinstance(node, ast.JoinedStr):
            parts |= set(node.values)
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.search(r"(?:^|\s)#\s(.*)", line):
            yield number, match[1]


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, line) of a file in which code has none of the banned words either."""
    yield from enumerate(path.read_text().splitlines(), 1)


def markdown_sentences(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of a page, without its code blocks."""
    inside = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        inside ^= line.startswith("```")
        if not inside:
            yield number, line


def all_faults() -> Iterator[str]:
    """`file:line: word in 'sentence'` for the package, the panel and the pages that users read."""
    kinds = [
        (python_sentences, sorted((ROOT / "lightly_widget").rglob("*.py"))),
        (lines, [p for p in sorted((ROOT / "js/src").rglob("*.ts*")) if "generated" not in p.parts]),
        (markdown_sentences, [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]),
        (lines, sorted((ROOT / "notebooks").glob("*.ipynb"))),
    ]
    for sentences, paths in kinds:
        for path in paths:
            if str(path.relative_to(ROOT)) in PENDING:
                continue
            for number, text in sentences(path):
                for word in faults(text):
                    yield f"{path.relative_to(ROOT)}:{number}: '{word}' in {' '.join(text.split())[:160]!r}"
