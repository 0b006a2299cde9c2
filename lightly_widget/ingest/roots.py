"""Which folders and hosts a dataset may open files from: those that this user named, kept outside the dataset.

A dataset is a folder that anybody can send, and each of its samples names a file. The list of what may be opened
therefore never lies in it. It lies with the user, one file per dataset, and grows when the user adds samples or calls
`dataset.allow_root`.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from lightly_widget.errors import LightlyWidgetWarning, NotAllowedError, shown
from lightly_widget.ingest.locations import is_url

CONFIG_VARIABLE: Final = "LIGHTLY_WIDGET_CONFIG"
ROOTS_VARIABLE: Final = "LIGHTLY_WIDGET_ROOTS"
_ALIASES: Final = {"gcs": "gs", "s3a": "s3"}  # as scanning writes them
_WITHOUT_HOSTS: Final = frozenset({"memory"})

_named: dict[str, dict[str, None]] = {}  # what was named in this session, by dataset


class Roots:
    """The folders and hosts that one dataset may open files from.

    Those in the environment variable LIGHTLY_WIDGET_ROOTS (separated like PATH) are allowed for every dataset.
    """

    def __init__(self, identity: str) -> None:
        self._file = config_folder() / "roots" / f"{identity}.jsonl"
        self._named = _named.setdefault(identity, {})

    def allow(self, paths: Iterable[str]) -> None:
        """Allow what lies below these absolute folders, these files, and the hosts of these URLs, from now on."""
        new = dict.fromkeys(_root(path) for path in paths)
        known = self.allowed()
        self._named.update(new)
        if missing := [root for root in new if root not in known]:
            self._keep(missing)

    def allowed(self) -> frozenset[str]:
        """The folders (without links) and hosts that are allowed."""
        from_environment = (_root(path) for path in os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep) if path)
        return frozenset([*self._named, *self._kept(), *from_environment])

    def check(self, paths: Iterable[str]) -> None:
        """Raise NotAllowedError, with the way out, for the first of these files or URLs that may not be opened."""
        if refused := self.refused(paths):
            first, among = refused[0], f" (and {len(refused) - 1:,} others)" if len(refused) > 1 else ""
            raise NotAllowedError(f"{shown(first, 300)}{among} {self.reason(first)}")

    def refused(self, paths: Iterable[str]) -> list[str]:
        """Those of these files and URLs that may not be opened."""
        allowed = self.allowed()
        # Folders are looked up once: a million files lie in few.
        folder_is_allowed = cache(lambda folder: _is_below(os.path.realpath(folder), allowed))

        def is_allowed(path: str) -> bool:
            if is_url(path):
                return _root(path) in allowed
            if os.path.islink(path) or not os.path.basename(path):  # noqa: PTH114, PTH119
                return _is_below(os.path.realpath(path), allowed)
            return folder_is_allowed(os.path.dirname(path)) or os.path.realpath(path) in allowed  # noqa: PTH120

        return [path for path in paths if not is_allowed(path)]

    @staticmethod
    def reason(path: str) -> str:
        """Why `path` is not opened and what to do about it."""
        if is_url(path):
            host = _root(path)
            return f"is not on a host allowed for this dataset; if you trust it, dataset.allow_root({shown(host, 200)})"
        folder = os.path.dirname(os.path.realpath(path))  # noqa: PTH120
        return (
            "is not below a folder that you added or allowed for this dataset; "
            f"if you trust it, dataset.allow_root({shown(folder, 200)})"
        )

    def _kept(self) -> list[str]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        return [root for line in lines if isinstance(root := _parsed(line), str)]

    def _keep(self, roots: list[str]) -> None:
        text = "".join(f"{json.dumps(root)}\n" for root in roots)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(text)  # one write to a file opened for appending: processes do not mix their lines
        except OSError as error:
            warnings.warn(
                f"{self._file} cannot be written ({error.strerror or error}), so the folders of this dataset's files "
                f"are known in this session only; set {CONFIG_VARIABLE} to a folder that can be written",
                LightlyWidgetWarning,
                stacklevel=4,
            )


def config_folder() -> Path:
    """Where this package keeps what belongs to the user and not to a dataset."""
    if given := os.environ.get(CONFIG_VARIABLE):
        return Path(given)
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "lightly_widget"


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None  # half a line of a process that died


def _root(path: str) -> str:
    """A folder or file without links; the scheme and host of a URL, with all that a chained URL leads through."""
    if not is_url(path):
        return os.path.realpath(path)
    scheme, _, rest = path.partition("://")
    scheme = _ALIASES.get(scheme.lower(), scheme.lower())
    first, *chained = rest.split("::")
    host = "" if chained or scheme in _WITHOUT_HOSTS else first.split("/", 1)[0]
    return "::".join([f"{scheme}://{host}", *chained])


def _is_below(path: str, allowed: frozenset[str]) -> bool:
    """Whether a path without links, or a folder above it, is allowed."""
    while path not in allowed:
        above = os.path.dirname(path)  # noqa: PTH120 - Path is slow for a million files
        if above == path:
            return False
        path = above
    return True
