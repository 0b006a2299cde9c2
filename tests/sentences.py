"""How the sentences of this package are written: the words that are out, and where sentences stand in the source."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 1_200

BANNED = re.compile(
    r"""
      (?<!there\ )\b(?:is|are)\ none\b (?!\ of) | \b(?:which|it)\ is\ none\b(?!\ of)
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


def notebook_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(cell number, line) of what was written in a notebook; its outputs hold data and the front end."""
    for number, cell in enumerate(json.loads(path.read_text())["cells"], 1):
        for line in "".join(cell["source"]).splitlines():
            yield number, line


def all_faults() -> Iterator[str]:
    """`file:line: word in 'sentence'` for the package, the panel and the pages that users read."""
    kinds = [
        (python_sentences, sorted((ROOT / "lightly_widget").rglob("*.py"))),
        (lines, [p for p in sorted((ROOT / "js/src").rglob("*.ts*")) if "generated" not in p.parts]),
        (markdown_sentences, [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]),
        (notebook_lines, sorted((ROOT / "notebooks").glob("*.ipynb"))),
    ]
    for sentences, paths in kinds:
        for path in paths:
            for number, text in sentences(path):
                for word in faults(text):
                    yield f"{path.relative_to(ROOT)}:{number}: '{word}' in {' '.join(text.split())[:160]!r}"
