"""What comes from the browser → checked, typed requests. The declarations say what is allowed; nothing is checked here
but what JSON does not hold: the arrays in the buffers, and the depth and size of what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown
from lightly_widget.plain import plain_copy
from lightly_widget.structs import convert
from lightly_widget.wire.codec import Buffers, decode
from lightly_widget.wire.parts import MAX_ID
from lightly_widget.wire.requests import REQUESTS, Picture, Request

MAX_REQUEST: Final = 2**19
"""Bytes of a request beside its buffers."""
MAX_CORNERS: Final = 100_000
MAX_IMAGE: Final = 2**20
"""Bytes of a picture to look for; the browser makes it smaller first."""


def request_id(content: object) -> int | None:
    """The id that the answer to this message carries, or None when it has none that could be one."""
    value = content.get("id") if isinstance(content, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID else None


def parse_request(content: object, buffers: Buffers = ()) -> Request:
    """The checked request of a message. ValueError or TypeError of this package: what is wrong with which field."""
    if not isinstance(content, Mapping):
        raise InvalidTypeError(f"a request must be an object with a 'kind', got {shown(content)}")
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in REQUESTS:
        raise InvalidValueError(did_you_mean("kind of request", kind, REQUESTS))
    plain = plain_copy(f"request {kind!r}", content, MAX_REQUEST)
    return convert(plain, REQUESTS[kind], what=f"request {kind!r}", hook=lambda type_, ref: _array(type_, ref, buffers))


def _array(kind: type, ref: object, buffers: Buffers) -> Any:
    """The array or picture that a field refers to in the buffers."""
    return Picture(_image(ref, buffers)) if kind is Picture else _polygon(ref, buffers)


def _polygon(ref: object, buffers: Buffers) -> NDArray[np.float32]:
    flat = decode("polygon", ref, buffers, "f32")
    if flat.size % 2 or not 6 <= flat.size <= 2 * MAX_CORNERS:
        raise InvalidValueError(f"polygon must hold x, y of 3 to {MAX_CORNERS:,} corners, got {flat.size:,} numbers")
    if not np.isfinite(flat).all():
        raise InvalidValueError(f"polygon must hold finite numbers, got {flat[~np.isfinite(flat)][0]}")
    return flat.reshape(-1, 2).astype(np.float32)


def _image(ref: object, buffers: Buffers) -> bytes:
    """The bytes of a picture, whatever they are: what reads them says more."""
    data: bytes = decode("image", ref, buffers, "u8", most=MAX_IMAGE).tobytes()
    if not data:
        raise InvalidValueError(f"image must have 1 to {MAX_IMAGE:,} bytes, got 0")
    return data
