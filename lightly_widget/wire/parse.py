"""What comes from the browser → checked, typed requests. Each field's check follows from its type annotation."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, listed, shown
from lightly_widget.wire.codec import Buffers, Plain, decode
from lightly_widget.wire.requests import (
    MAX_ID,
    MAX_ROW,
    REQUESTS,
    Find,
    GetThumbnails,
    Request,
    Rows,
    Select,
    Text,
    Whole,
)

MAX_ROWS_BY_HAND: Final = 10_000
MAX_LIST: Final = 100
MAX_PLAIN: Final = 65_536
MAX_DEPTH: Final = 32
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
        raise InvalidTypeError(f"a request is an object with a 'kind', not {shown(content)}")
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in REQUESTS:
        raise InvalidValueError(did_you_mean("kind of request", kind, REQUESTS))
    checks = _checks(kind)
    for name in content:
        if name != "kind" and name not in checks:
            raise InvalidValueError(did_you_mean(f"field of request {kind!r}:", name, checks))
    required = _required(kind)
    if missing := [name for name in required if name not in content]:
        raise InvalidValueError(f"request {kind!r} needs {listed(missing)}")
    values = {name: check(name, content[name], buffers) for name, check in checks.items() if name in content}
    parsed = REQUESTS[kind](**values)
    _check_together(parsed)
    return parsed


def _check_together(request: Request) -> None:
    """What the fields of one request must fulfill together."""
    match request:
        case Select(op=op, polygon=polygon) if (op == "clear") != (polygon is None):
            raise InvalidValueError(f"op={op!r} {'takes no' if op == 'clear' else 'needs a'} polygon")
        case Find(text=text, row=row, image=image) if [text, row, image].count(None) != 2:
            raise InvalidValueError("find needs exactly one of text, row and image")
        case GetThumbnails(rows=rows, size=size) if len(rows) * size * size > 2**24:
            raise InvalidValueError(f"{len(rows)} thumbnails of {size} pixels are too much for one message")
        case _:
            return


_Check: TypeAlias = Callable[[str, Any, Buffers], Any]


@cache
def _required(kind: str) -> list[str]:
    return [item.name for item in dataclasses.fields(REQUESTS[kind]) if item.default is dataclasses.MISSING]


@cache
def _checks(kind: str) -> dict[str, _Check]:
    hints = get_type_hints(REQUESTS[kind], include_extras=True)
    return {item.name: _check_of(hints[item.name]) for item in dataclasses.fields(REQUESTS[kind])}


def _check_of(hint: Any) -> _Check:
    """The check that a field's type annotation asks for."""
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        inner = _check_of(next(part for part in get_args(hint) if part is not type(None)))
        return lambda name, value, buffers: None if value is None else inner(name, value, buffers)
    if origin is typing.Annotated:
        base, limits = get_args(hint)
        return (lambda name, value, _: _text(name, value, limits)) if base is str else _whole_check(limits)
    if origin is Literal:
        return lambda name, value, _: _one_of(name, value, get_args(hint))
    if hint == Rows:
        return lambda name, value, _: _rows(name, value)
    if hint == tuple[Plain, ...]:
        return lambda name, value, _: _plain_list(name, value)
    simple: dict[Any, _Check] = {
        int: _whole_check(Whole(-MAX_ID)),
        bool: lambda name, value, _: _flag(name, value),
        Plain: lambda name, value, _: plain_object(name, value),
        NDArray[np.float32]: _polygon,
        bytes: _image,
    }
    return simple[hint]


def _whole_check(limits: Whole) -> _Check:
    return lambda name, value, _: _whole(name, value, limits)


def _whole(name: str, value: object, limits: Whole) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(f"{name} must be an integer, got {shown(value)}")
    if not limits.least <= value <= limits.most:
        raise InvalidValueError(f"{name}={shown(value)} is not between {limits.least} and {limits.most}")
    return value


def _text(name: str, value: object, limits: Text) -> str:
    if not isinstance(value, str):
        raise InvalidTypeError(f"{name}={shown(value)} is not text")
    if not 0 < len(value) <= limits.most:
        raise InvalidValueError(f"{name}={shown(value)} has {len(value):,} characters; expected 1 to {limits.most:,}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidTypeError(f"{name}={shown(value)} is neither true nor false")
    return value


def _one_of(name: str, value: object, options: tuple[object, ...]) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int) or value not in options:
        raise InvalidValueError(f"{name}={shown(value)} is not one of {listed(options)}")
    return value


def _rows(name: str, value: object) -> Rows:
    if not isinstance(value, list):
        raise InvalidTypeError(f"{name}={shown(value)} is not a list of rows")
    if len(value) > MAX_ROWS_BY_HAND:
        raise InvalidValueError(f"{name} holds {len(value):,} rows; at most {MAX_ROWS_BY_HAND:,} are taken at once")
    rows = tuple(_whole(f"{name}[{index}]", row, Whole(0, MAX_ROW)) for index, row in enumerate(value))
    if len(set(rows)) < len(rows):
        raise InvalidValueError(f"{name} holds a row twice")
    return rows


def _plain_list(name: str, value: object) -> tuple[Plain, ...]:
    if not isinstance(value, list):
        raise InvalidTypeError(f"{name}={shown(value)} is not a list")
    if len(value) > MAX_LIST:
        raise InvalidValueError(f"{name} holds {len(value):,} entries; at most {MAX_LIST} are taken")
    return tuple(plain_object(f"{name}[{index}]", item) for index, item in enumerate(value))


def plain_object(name: str, value: object) -> Plain:
    """A copy of a dict of plain data (None, bool, number, text, list, dict), of at most 64 kB and 32 levels."""
    if not isinstance(value, Mapping):
        raise InvalidTypeError(f"{name}={shown(value)} is not an object")
    size = [0]
    result: Plain = _plain(name, value, 0, size)
    return result


def _plain(name: str, value: object, depth: int, size: list[int]) -> Any:
    size[0] += 8 + (len(value) if isinstance(value, str) else 0)
    if depth > MAX_DEPTH or size[0] > MAX_PLAIN:
        raise InvalidValueError(f"{name} is nested too deep or larger than {MAX_PLAIN:,} bytes")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidValueError(f"{name} must contain finite numbers, got {value}")
        return value
    if isinstance(value, list | tuple):
        return [_plain(name, item, depth + 1, size) for item in value]
    if not isinstance(value, Mapping):
        raise InvalidTypeError(f"{name} holds {shown(value)}, which is not plain data")
    result = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidTypeError(f"{name} holds the key {shown(key)}, which is not text")
        size[0] += len(key)
        result[key] = _plain(name, item, depth + 1, size)
    return result


def _polygon(name: str, value: object, buffers: Buffers) -> NDArray[np.float32]:
    flat = decode(name, value, buffers, "f32")
    if flat.size % 2 or not 6 <= flat.size <= 2 * MAX_CORNERS:
        raise InvalidValueError(f"{name} holds {flat.size:,} numbers; expected x, y of 3 to {MAX_CORNERS:,} corners")
    if not np.isfinite(flat).all():
        raise InvalidValueError(f"{name} holds a corner that is not finite")
    return flat.reshape(-1, 2).astype(np.float32)


def _image(name: str, value: object, buffers: Buffers) -> bytes:
    """The bytes of a picture, whatever they are: what reads them says more."""
    if isinstance(value, Mapping) and isinstance(shape := value.get("shape"), list) and len(shape) == 1:
        size = shape[0]
        if isinstance(size, int) and size > MAX_IMAGE:
            raise InvalidValueError(f"{name} has {size:,} bytes; at most {MAX_IMAGE:,} are taken")
    data: bytes = decode(name, value, buffers, "u8").tobytes()
    if not 0 < len(data) <= MAX_IMAGE:
        raise InvalidValueError(f"{name} has {len(data):,} bytes; expected 1 to {MAX_IMAGE:,}")
    return data
