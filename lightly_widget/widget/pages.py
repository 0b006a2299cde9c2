"""Pages that show an explorer without a kernel: what `to_html` takes, checked, recorded and written."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_widget import page
from lightly_widget.checks import check_bool, check_integer, check_name
from lightly_widget.widget.recording import (
    FOLDER_BYTES,
    MEDIA_BYTES,
    Compared,
    Wanted,
    check_colorings,
    geometry_of,
    record,
)

if TYPE_CHECKING:
    from lightly_widget.widget.session import Session


@dataclass(frozen=True)
class Shown:
    """What an explorer shows: its traits as they go to the browser, its session, and the projection it would show."""

    state: dict[str, Any]
    session: Session
    projection: str
    compared: Compared


def write(
    shown: Shown,
    path: str | Path,
    *,
    colorings: object = None,
    folder: str | bool | None = None,
    media_bytes: int | None = None,
    title: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the page; `Explorer.to_html` says what the options are."""
    target = page.page_path(path, overwrite=check_bool("overwrite", overwrite))
    files = page.beside(folder, target)
    text = html_of(shown, colorings, files, media_bytes, title)
    return page.write_page(target, text, files, overwrite=overwrite)


def html_of(
    shown: Shown,
    colorings: object = None,
    files: page.Beside | None = None,
    media_bytes: int | None = None,
    title: str | None = None,
) -> str:
    """The page as one string; pictures go into `files` where these are given."""
    session = shown.session
    limit = (MEDIA_BYTES if files is None else FOLDER_BYTES) if media_bytes is None else media_bytes
    wanted = Wanted(
        check_colorings(session, shown.state["color_by"], colorings),
        check_integer("media_bytes", limit, least=0),
        files,
    )
    heading = session.dataset.name if title is None else check_name("title", title)
    with session.lock:
        recording = record(shown.state, session, geometry_of(session, shown.projection), shown.compared, wanted)
    return page.document(
        heading,
        _subtitle(shown),
        [*recording.notes, _made()],
        opening(session),
        page.packed(recording.content),
        files_beside=files is not None,
    )


def opening(session: Session) -> str:
    """The line that opens the dataset in a notebook; its folder is the reader's own."""
    return f"lightly_widget.{session.dataset.kind.class_name}.load({session.dataset.name!r}).explore()"


def _made() -> str:
    from lightly_widget import __version__

    return f"Made by lightly_widget {__version__} on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}."


def _subtitle(shown: Shown) -> str:
    entry, n = shown.session.history.current, len(shown.session)
    if entry is None:
        return f"{n:,} samples"
    kinds = " + ".join(strategy.type for strategy in entry.result.strategies)
    count = min(shown.state["n_samples_to_select"], entry.result.n_new)
    return f"{n:,} samples · {count:,} chosen by {kinds}"
