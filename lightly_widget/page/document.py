"""The HTML of a page: the front end as it is in notebooks, the data, and a policy that forbids everything else."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Final

from lightly_widget.errors import MissingDependencyError

STATIC: Final = Path(__file__).parents[1] / "static"
_EXPORT: Final = re.compile(r"export\{([\w$]+) as default\};?\s*$")
_STYLE: Final = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px 16px; background: Canvas; color: CanvasText; font: 14px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: baseline; margin-bottom: 8px; }
h1 { font-size: 18px; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; opacity: 0.8; overflow-wrap: anywhere; }
footer { margin-top: 8px; font-size: 12px; }
code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
"""


def document(title: str, subtitle: str, notes: list[str], code: str, data: str, *, files_beside: bool = False) -> str:
    """The page. `data` is a pack; the other strings may hold anything. `files_beside`: pictures lie in a folder."""
    script = _script()
    pictures = "data: 'self' file:" if files_beside else "data:"
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(_STYLE)}; img-src {pictures}; "
        "base-uri 'none'; form-action 'none'"
    )
    lines = "".join(f"<p>{html.escape(note)}</p>\n" for note in notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>{html.escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>{html.escape(title)}</h1><p>{html.escape(subtitle)}</p></header>
<main id="explorer"><noscript>This page needs JavaScript to draw the map.</noscript></main>
<footer>
{lines}<p>Open it in a notebook: <code>{html.escape(code)}</code></p>
</footer>
<script type="application/octet-stream" id="data">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def _script() -> str:
    """The bundle of notebooks, with what runs it instead of what exports it."""
    try:
        bundle = (STATIC / "widget.js").read_text(encoding="utf-8")
        kernel = (STATIC / "page.js").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingDependencyError("the front end of lightly_widget is not built; run 'make bundle'") from None
    made, found = _EXPORT.subn(lambda match: f"globalThis.makeLightlyWidget={match[1]};", bundle)
    if found != 1:
        raise MissingDependencyError("the front end of lightly_widget was built by other tools; run 'make bundle'")
    return _closed(f"{made}\n{kernel}")


def _closed(script: str) -> str:
    """The same script without what would end its element or open a comment; in scripts these occur in strings only."""
    return re.sub(r"<(?=/script|!--)", r"\\x3C", script.replace("\r\n", "\n"), flags=re.IGNORECASE)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
