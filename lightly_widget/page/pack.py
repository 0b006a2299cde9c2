"""What a page holds as one string in base64: JSON, then the buffers of its messages, compressed.

Base64 cannot end a script element or open one, whatever the data holds. Mirror of `js/src/page/data.ts`.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lightly_widget.wire import encode

if TYPE_CHECKING:
    from lightly_widget.wire import Reply

_ALIGN: Final = 8
_LEVEL: Final = 6


@dataclass(frozen=True, eq=False)
class Said:
    """A message of the kernel, without its number, and its buffers."""

    message: dict[str, Any]
    buffers: list[memoryview]


def recorded(reply: Reply) -> Said:
    """A reply as a page replays it."""
    return Said(*encode(reply))


def packed(page: Mapping[str, Any]) -> str:
    """Plain data with messages in it → base64."""
    buffers: list[memoryview] = []
    plain = _plain(page, buffers)
    places, size = [], 0
    for buffer in buffers:
        places.append((size, buffer.nbytes))
        size += _padded(buffer.nbytes)
    # The offsets count from the beginning of the pack, and so depend on the length of the JSON that names them.
    start = _ALIGN
    while True:
        text = _json({"page": plain, "buffers": [(start + at, length) for at, length in places]})
        if start == (start := _padded(4 + len(text))):
            break
    parts = [struct.pack("<I", len(text)), text, bytes(start - 4 - len(text))]
    for buffer in buffers:
        parts += [bytes(buffer), bytes(_padded(buffer.nbytes) - buffer.nbytes)]
    return base64.b64encode(gzip.compress(b"".join(parts), _LEVEL, mtime=0)).decode("ascii")


def _plain(value: Any, buffers: list[memoryview]) -> Any:
    if isinstance(value, Said):
        first = len(buffers)
        buffers.extend(value.buffers)
        return {"message": value.message, "buffers": [*range(first, len(buffers))]}
    if isinstance(value, Mapping):
        return {name: _plain(item, buffers) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, buffers) for item in value]
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
