"""The one way in which pictures and other files of a dataset are opened, whoever asks.

A dataset may come from anybody, and each picture in it from anybody else. So a file is opened only if it is a regular
file in an allowed place (`roots`), read as one of the formats below, decoded only up to 64 megapixels, within a budget
of memory that all threads share, and given up after some seconds.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from lightly_widget.errors import InvalidValueError, LightlyWidgetError, StorageError, shown
from lightly_widget.ingest.locations import is_url, open_file_system
from lightly_widget.ingest.roots import Roots

# The others that Pillow knows run outside programs (EPS starts Ghostscript) or hold no pictures (HDF5).
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "PPM", "JPEG2000", "TGA", "QOI")
MAX_PIXELS: Final = 64_000_000
MAX_FILE_BYTES: Final = 500_000_000
SECONDS: Final = 20.0
MEMORY: Final = 600_000_000
"""Bytes of decoded pixels that all threads together hold at a time."""

T = TypeVar("T")


class UnusablePictureError(InvalidValueError):
    """A file is not a picture that is opened; `reason` says why, without the path."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{shown(str(path), 300)} {reason}")
        self.reason = reason


def read_picture(
    path: str | Path, work: Callable[[Any], T], *, roots: Roots | None = None, size: int | None = None
) -> T:
    """What `work` makes of the opened Pillow image.

    Args:
        roots: where files may lie; None for paths that the caller of a public function just gave.
        size: the side in pixels that is wanted; a JPEG is decoded at the smallest scale that is still larger.

    Raises:
        NotAllowedError: the file does not lie in an allowed place.
        UnusablePictureError: it cannot be read as a picture, or is too large, or takes too long.
    """
    try:
        return within(SECONDS, lambda: _worked(path, work, roots, size))
    except LightlyWidgetError:
        raise
    except TimeoutError:
        raise UnusablePictureError(path, f"could not be read within {SECONDS:g} seconds") from None
    except Exception as error:
        raise UnusablePictureError(path, reason(error)) from error


def _worked(path: str | Path, work: Callable[[Any], T], roots: Roots | None, size: int | None) -> T:
    from PIL import Image

    with open_file(path, roots) as file:
        source = BytesIO(_limited(path, file)) if is_url(str(path)) else file
        with Image.open(source, formats=FORMATS) as image:
            check_pixels(path, image.size)
            if size is not None:
                image.draft("RGB", (size, size))
            with _memory.taken(4 * image.width * image.height):
                return work(image)


def check_pixels(path: object, size: tuple[int, int]) -> None:
    """Refuse more pixels than are decoded."""
    if size[0] * size[1] > MAX_PIXELS:
        raise UnusablePictureError(
            path, f"has {size[0] * size[1] / 1e6:.0f} megapixels; at most {MAX_PIXELS // 1_000_000} are decoded"
        )


def check_picture(path: str, file: IO[bytes]) -> None:
    """Refuse a file whose header is not that of a picture; the file is at its beginning afterwards."""
    from PIL import Image

    try:
        with Image.open(file, formats=FORMATS):
            pass
    except Exception as error:
        raise UnusablePictureError(path, reason(error)) from error
    file.seek(0)


@contextmanager
def open_file(path: str | Path, roots: Roots | None = None) -> Iterator[IO[bytes]]:
    """A regular file or the content of a URL, for reading.

    Raises:
        NotAllowedError: it does not lie in an allowed place.
        UnusablePictureError: it is a pipe, a device, a folder.
        OSError: it cannot be read.
    """
    name = str(path)
    if roots is not None:
        roots.check([name])
    if is_url(name) and isinstance(path, str):
        system, inner = open_file_system(name)
        with system.open(inner, "rb") as remote:
            yield remote
        return
    with os.fdopen(_open_regular(name), "rb") as file:
        yield file


def _open_regular(path: str) -> int:
    # A pipe would wait for a writer forever, and opening a device can do anything; a link that is put in place of the
    # file after it was checked is not followed.
    real = os.path.realpath(path)
    _check_regular(path, os.lstat(real).st_mode)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(real, flags)
    try:
        _check_regular(path, os.fstat(handle).st_mode)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _check_regular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise UnusablePictureError(path, "is not a regular file")


def _limited(path: object, file: IO[bytes]) -> bytes:
    data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise UnusablePictureError(path, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB")
    return data


def reason(error: Exception) -> str:
    """Why a file cannot be read as a picture."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnusablePictureError):
        return error.reason
    if isinstance(error, UnidentifiedImageError):
        return "is not an image, or its header is damaged"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"has more than {MAX_PIXELS // 1_000_000} megapixels, and no more are decoded"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"[:300]


def within(seconds: float, work: Callable[[], T]) -> T:
    """`work()` in a thread of its own. Raises TimeoutError when it takes longer; the thread is then left behind."""
    done = threading.Event()
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            failure.append(error)
        finally:
            done.set()

    try:
        threading.Thread(target=run, name="lightly-widget-file", daemon=True).start()
    except RuntimeError as error:
        raise StorageError(f"no thread can be started to read a file: {error}") from error
    if not done.wait(seconds):
        raise TimeoutError
    if failure:
        raise failure[0]
    return outcome[0]


class _Memory:
    """Bytes that are shared by all threads: who wants more than is left waits."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._left = total
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        share = min(wanted, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= share)
            self._left -= share
        try:
            yield
        finally:
            with self._changed:
                self._left += share
                self._changed.notify_all()


_memory = _Memory(MEMORY)


def _after_fork() -> None:
    global _memory
    _memory = _Memory(MEMORY)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
