"""Arrays in the buffers of a message, replies as plain data: both directions of the codec.

Mirror of `decode` in `js/src/wire.ts`. What goes out is safe JSON: finite numbers, no lone surrogates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError
from lightly_widget.structs import convert

if TYPE_CHECKING:
    from lightly_widget.wire.replies import Reply

Buffers: TypeAlias = Sequence[Any]
Plain: TypeAlias = dict[str, Any]
Bits: TypeAlias = NDArray[np.uint8]

_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "u8": np.dtype("u1"),
    "u16": np.dtype("<u2"),
    "u32": np.dtype("<u4"),
    "f32": np.dtype("<f4"),
}
_NAMES: Final[dict[np.dtype[Any], str]] = {dtype: name for name, dtype in _DTYPES.items()}


_Size: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class ArrayRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An array in the message's buffers: little-endian, row by row."""

    buffer: _Size
    dtype: Literal["u8", "u16", "u32", "f32"]
    shape: Annotated[tuple[_Size, ...], msgspec.Meta(max_length=4)]


def decode(name: str, ref: object, buffers: Buffers, dtype: str, most: int | None = None) -> NDArray[Any]:
    """The array that an `ArrayRef` of this dtype names, flat, of at most `most` items. ValueError or TypeError."""
    found = convert(ref, ArrayRef, name, what="reference to a buffer")
    if found.dtype != dtype:
        raise InvalidValueError(f"{name}.dtype must be {dtype!r}, got {found.dtype!r}")
    size = math.prod(found.shape)
    if most is not None and size > most:
        raise InvalidValueError(f"{name} must have at most {most:,} items, got {size:,}")
    if found.buffer >= len(buffers):
        raise InvalidValueError(f"{name} names buffer {found.buffer}, but only {len(buffers)} buffers came")
    data = memoryview(buffers[found.buffer])
    expected = size * _DTYPES[dtype].itemsize
    if data.nbytes != expected:
        raise InvalidValueError(f"{name} must have {expected:,} bytes, got {data.nbytes:,}")
    array: NDArray[Any] = np.frombuffer(bytes(data), dtype=_DTYPES[dtype])
    return array


def encode(reply: Reply) -> tuple[Plain, list[memoryview]]:
    """The message of a reply, without `seq`, `id` and `done`, and the buffers that its arrays went into."""
    buffers: list[memoryview] = []
    content: Plain = _wire(reply, buffers)
    return content, buffers


def _wire(value: Any, buffers: list[memoryview]) -> Any:
    if isinstance(value, np.ndarray):
        return _put(np.ascontiguousarray(value), buffers)
    if isinstance(value, bytes):
        return _put(np.frombuffer(value, np.uint8), buffers)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # a lone surrogate would break the whole message
    if isinstance(value, np.generic):
        return _wire(value.item(), buffers)
    if isinstance(value, float):
        return value if math.isfinite(value) else None  # JSON has no name for the others
    if isinstance(value, Mapping):
        return {str(_wire(key, buffers)): _wire(item, buffers) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wire(item, buffers) for item in value]
    if isinstance(value, msgspec.Struct):
        return _tag(value) | {
            name: _wire(getattr(value, field), buffers)
            for name, field in zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        }
    return value


def _tag(value: msgspec.Struct) -> Plain:
    config = value.__struct_config__
    return {} if config.tag_field is None else {config.tag_field: config.tag}


def _put(array: NDArray[Any], buffers: list[memoryview]) -> Plain:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    buffers.append(memoryview(little.reshape(-1).view(np.uint8).data))
    return {"buffer": len(buffers) - 1, "dtype": _NAMES[little.dtype], "shape": list(array.shape)}


def pack_bits(mask: NDArray[np.bool_]) -> Bits:
    """One bit per value, least significant first."""
    return np.packbits(mask, bitorder="little")
