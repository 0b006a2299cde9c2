"""Checksums of Arrow tables that depend on the values alone, not on how they are cut into chunks or padded."""

from __future__ import annotations

import hashlib
from typing import Any

DIGEST_BYTES = 8


def checksum(table: Any) -> str:
    """16 hexadecimal digits over the names, types, order and values of a `pyarrow.Table`.

    Bits under a null do not count. Columns may hold booleans, numbers, dates, times, large strings and fixed-size
    lists of numbers without nulls.
    """
    total = hashlib.blake2b(digest_size=DIGEST_BYTES)
    total.update(str(table.num_rows).encode())
    for field, column in zip(table.schema, table.columns, strict=True):
        total.update(f"|{field.name}|{_type_name(field.type)}|".encode())
        for digest in _column_digests(column):
            total.update(digest)
    return total.hexdigest()


def checksum_text(text: str) -> str:
    """16 hexadecimal digits over a string."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def _type_name(dtype: Any) -> str:
    import pyarrow as pa

    # The name and nullability of a list's item differ between what is written and what is read back.
    return f"{dtype.value_type}[{dtype.list_size}]" if pa.types.is_fixed_size_list(dtype) else str(dtype)


def _column_digests(column: Any) -> list[bytes]:
    import pyarrow as pa

    # One running digest per kind of content, so that neither chunk borders nor their number matter.
    valid, lengths, values = (hashlib.blake2b(digest_size=DIGEST_BYTES) for _ in range(3))
    for chunk in column.chunks:
        if column.null_count:
            valid.update(chunk.is_valid().cast(pa.uint8()).to_numpy())
        if pa.types.is_large_string(chunk.type):
            size, data = _string_buffers(chunk)
            lengths.update(size)
            values.update(data)
        else:
            values.update(_value_bytes(chunk))
    return [valid.digest(), lengths.digest(), values.digest()]


def _string_buffers(chunk: Any) -> tuple[Any, Any]:
    import numpy as np

    filled = chunk.fill_null("") if chunk.null_count else chunk
    if len(filled) == 0:
        return b"", b""
    _, offset_buffer, data = filled.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int64)[filled.offset : filled.offset + len(filled) + 1]
    text = memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None else b""
    return np.ascontiguousarray(np.diff(offsets)), text


def _value_bytes(chunk: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    if pa.types.is_fixed_size_list(chunk.type):
        return np.ascontiguousarray(chunk.flatten().to_numpy(zero_copy_only=False))
    if pa.types.is_boolean(chunk.type):
        chunk = chunk.cast(pa.uint8())
    elif pa.types.is_temporal(chunk.type):
        chunk = chunk.view(pa.int32() if pa.types.is_date32(chunk.type) else pa.int64())
    if chunk.null_count:
        chunk = chunk.fill_null(0)
    return np.ascontiguousarray(chunk.to_numpy(zero_copy_only=False))
