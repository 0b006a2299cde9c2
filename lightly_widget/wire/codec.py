"""Arrays in the buffers of a message, replies as plain data: both directions of the codec.

Mirror of `decode` in `js/src/wire.ts`. What goes out is safe JSON: finite numbers, no lone surrogates.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown

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


def decode(name: str, ref: object, buffers: Buffers, dtype: str) -> NDArray[Any]:
    """The array that an `ArrayRef` of this dtype names, flat. ValueError or TypeError: it does not."""
    if not isinstance(ref, Mapping) or set(ref) != {"buffer", "dtype", "shape"}:
        raise InvalidTypeError(f"{name} must be a reference to a buffer, got {shown(ref)}")
    if ref["dtype"] != dtype:
        raise InvalidValueError(f"{name} has dtype {shown(ref['dtype'])}; expected {dtype!r}")
    index = _size(f"{name}.buffer", ref["buffer"])
    shape = ref["shape"]
    if not isinstance(shape, list) or len(shape) > 4:
        raise InvalidTypeError(f"{name}.shape={shown(shape)} is not a list of sizes")
    size = math.prod(_size(f"{name}.shape", item) for item in shape)
    if index >= len(buffers):
        raise InvalidValueError(f"{name} names buffer {index}, and {len(buffers)} came")
    data = memoryview(buffers[index])
    if data.nbytes != size * _DTYPES[dtype].itemsize:
        raise InvalidValueError(f"{name} has {data.nbytes:,} bytes; expected {size * _DTYPES[dtype].itemsize:,}")
    array: NDArray[Any] = np.frombuffer(bytes(data), dtype=_DTYPES[dtype])
    return array


def _size(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise InvalidValueError(f"{name}={shown(value)} is not an integer from 0 to 2**32 - 1")
    return value


def encode(reply: Reply) -> tuple[Plain, list[memoryview]]:
    """The message of a reply, without `seq`, `id` and `done`, and the buffers that its arrays went into."""
    buffers: list[memoryview] = []
    fields = {item.name: _wire(getattr(reply, item.name), buffers) for item in dataclasses.fields(reply)}
    return {"kind": reply.kind} | fields, buffers


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
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _wire(getattr(value, item.name), buffers) for item in dataclasses.fields(value)}
    return value


def _put(array: NDArray[Any], buffers: list[memoryview]) -> Plain:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    buffers.append(memoryview(little.reshape(-1).view(np.uint8).data))
    return {"buffer": len(buffers) - 1, "dtype": _NAMES[little.dtype], "shape": list(array.shape)}


def pack_bits(mask: NDArray[np.bool_]) -> Bits:
    """One bit per row, least significant first."""
    return np.packbits(mask, bitorder="little")
