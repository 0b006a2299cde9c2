"""Validation of declared data: `msgspec` checks it, and its errors become sentences of this package.

`convert` takes plain data (from JSON, or from a constructor's arguments) to a declared type. Its errors name the field,
show the value and say what was expected: `strength must be a number, got 'x'`. A wrong type is an InvalidTypeError, a
wrong value an InvalidValueError. Data that is not trusted passes the gate of `plain` first: it bounds depth and size
before anything recursive reads them.
"""

from __future__ import annotations

import json
import math
import re
import sys
import types
import typing
from abc import ABCMeta
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec
import numpy as np
from msgspec import Meta

from lightly_widget.errors import InvalidTypeError, InvalidValueError, LightlyWidgetError, did_you_mean, listed, shown
from lightly_widget.plain import MAX_TRAIT

T = TypeVar("T")
Hook = Callable[[type, Any], Any]

MAX_FLOAT: Final = sys.float_info.max

Number = Annotated[float, Meta(ge=-MAX_FLOAT, le=MAX_FLOAT)]
"""Finite."""
Distance = Annotated[float, Meta(ge=0, le=MAX_FLOAT)]
Text = Annotated[str, Meta(pattern=r"\S", max_length=1_000)]
"""Up to 1,000 characters, not all of them whitespace."""


class AbstractStruct(msgspec.StructMeta, ABCMeta):
    """The metaclass of structs with abstract methods."""


_KINDS: Final = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "True or False",
    "object": "a dict",
    "array": "a list",
    "null": "None",
}
_PATH: Final = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")


@typing.overload
def convert(data: Any, kind: type[T], name: str = ..., *, what: str = ..., hook: Hook | None = ...) -> T: ...  # a class
@typing.overload
def convert(
    data: Any, kind: Any, name: str = ..., *, what: str = ..., hook: Hook | None = ...
) -> Any: ...  # a union, or a type with limits
def convert(data: Any, kind: Any, name: str = "", *, what: str = "object", hook: Hook | None = None) -> Any:
    """The data as the declared type; `name` is the argument that holds it, `what` says what a struct's dict stands for.

    Raises InvalidTypeError or InvalidValueError; an error of this package raised by `hook` or by a struct's own
    `__post_init__` passes as it is.
    """
    try:
        return msgspec.convert(data, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, LightlyWidgetError):
            raise error.__cause__ from None
        raise _in_words(str(error), data, kind, name, what) from None
    except AttributeError:  # an array or a frame, which looks like a dict without being one
        raise InvalidTypeError(f"{name or what} must be plain data, got {shown(data)}") from None
    except UnicodeEncodeError:
        raise InvalidValueError(f"{name or what} must be valid Unicode, got {shown(data)}") from None


def _in_words(message: str, data: Any, kind: Any, name: str, what: str) -> LightlyWidgetError:
    problem, _, where = message.partition(" - at `")
    path, found, hint = _follow(where, data, kind, name)
    if match := re.match(r"Object contains unknown field `(.*)`", problem, re.DOTALL):
        config = hint.__struct_config__
        known = [field.encode_name for field in msgspec.structs.fields(hint)] or [config.tag_field or ""]
        return InvalidValueError(did_you_mean(f"field of {path or what}:", match[1], known))
    if problem.startswith("Object missing required field"):
        fields = [field for field in msgspec.structs.fields(hint) if field.required] if _is_struct(hint) else []
        missing = [field.encode_name for field in fields if field.encode_name not in found]
        return InvalidValueError(f"{path or what} needs {listed(missing or [problem.split('`')[1]])}")
    path = path or name or what
    if where.startswith("key"):
        return InvalidTypeError(f"{path} must have strings as keys, got {shown(found)}")
    if problem.startswith(("Invalid enum value", "Invalid value")):
        return InvalidValueError(f"{path} must be one of {_options(hint)}, got {shown(found)}")
    if match := re.match(r"Expected `([^`]*)`, got ", problem):
        wanted = " or ".join(_KINDS.get(part, part) for part in match[1].split(" | "))
        return InvalidTypeError(f"{path} must be {wanted}, got {shown(found)}")
    return InvalidValueError(f"{path} {_limit(problem, found)}, got {_brief(found)}")


def _limit(problem: str, value: Any) -> str:
    """What a number's range or a length asks for."""
    if isinstance(value, str):
        most = problem.rpartition("length <= ")[2] if "length <=" in problem else ""
        return f"must have at most {int(most):,} characters" if most else "must not be empty"
    match = re.search(r"(length )?([<>])= (\S+)$", problem)
    if match is None or abs(float(match[3])) == MAX_FLOAT:
        return "must be finite"
    bound = "at most" if match[2] == "<" else "at least"
    limit = f"{float(match[3]):,.12g}" if abs(float(match[3])) < 2**53 else "2**63 - 1"
    if not match[1] and isinstance(value, float) and not math.isfinite(value):
        return "must be finite"
    return f"must have {bound} {limit} items" if match[1] else f"must be {bound} {limit}"


def _brief(value: Any) -> str:
    return f"{len(value):,}" if isinstance(value, list | tuple) else shown(value)


def _follow(where: str, data: Any, hint: Any, name: str) -> tuple[str, Any, Any]:
    """(path as the user writes it, the value there, its declared type) for a path such as `$.rows[3]`."""
    path = name
    hint = _chosen(_bare(hint), data)
    for step in _PATH.finditer(where):
        if step["field"] is not None:
            path = f"{path}.{step['field']}" if path else step["field"]
            hint, data = _field(hint, step["field"]), data[step["field"]]
        elif step["index"] is not None:
            path, data, hint = f"{path}[{step['index']}]", data[int(step["index"])], _item(hint)
        else:
            hint = _item(hint)
            key, data = next((k, v) for k, v in data.items() if not _fits(v, hint))
            path = f"{path}[{shown(key)}]"
        hint = _chosen(_bare(hint), data)
    if where.startswith("key"):
        data = next((key for key in data if not isinstance(key, str)), data)
    return path, data, hint


def _fits(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return False
    return True


def _bare(hint: Any) -> Any:
    """The type without its limits and without None."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    parts = [part for part in get_args(hint) if part is not type(None)]
    return _bare(parts[0]) if get_origin(hint) in (Union, types.UnionType) and len(parts) == 1 else hint


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _chosen(hint: Any, data: Any) -> Any:
    """Of a union of structs the one that the data's tag names."""
    for kind in _parts(hint):
        tag_field = kind.__struct_config__.tag_field if _is_struct(kind) else None
        if tag_field is not None and isinstance(data, Mapping) and data.get(tag_field) == tag_of(kind):
            return kind
    return hint


def _field(hint: Any, name: str) -> Any:
    """The type of a struct's field; of the field that tells the structs of a union apart, their tags."""
    structs = [kind for kind in _parts(hint) if _is_struct(kind)]
    for kind in structs:
        for field in msgspec.structs.fields(kind):
            if field.encode_name == name:
                return field.type
    return Literal[tuple(map(tag_of, structs))]


def _item(hint: Any) -> Any:
    """The type of the items of a list or of the values of a dict."""
    for kind in _parts(hint):
        if get_origin(kind) in (dict, list, tuple):
            return [part for part in get_args(kind) if part is not Ellipsis][-1]
    return Any


def _options(hint: Any) -> str:
    """The values that a `Literal` can have, and whether a dict would do."""
    parts = _parts(hint)
    values = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    return listed(values) + (" or a dict" if any(get_origin(part) is dict for part in parts) else "")


def _is_struct(kind: Any) -> typing.TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def tag_of(kind: type[msgspec.Struct] | msgspec.Struct) -> str:
    """The value that tells a struct from the others of its union."""
    return str(kind.__struct_config__.tag)


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", metaclass=AbstractStruct):
    """Base of data that users make by a constructor or a dict: plain, checked, immutable, told apart by its tag."""

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(type(self)):
            value = convert(plain_value(getattr(self, field.name)), field.type, field.name)
            msgspec.structs.force_setattr(self, field.name, value)

    @property
    def type(self) -> str:
        """Its name in its dict."""
        return tag_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold; made from it, one has an equal object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def plain_value(value: Any) -> Any:
    """NumPy's scalars as Python's, and a mapping of scalars as a dict whose booleans are named 'true' and 'false'."""
    if not isinstance(value, Mapping):
        return _scalar(value)
    named = [(str(key).lower() if isinstance(key, bool) else key, _scalar(item)) for key, item in value.items()]
    if len({key for key, _ in named}) < len(named):
        raise InvalidValueError(f"{shown(value)} names one key twice: True is 'true' and False is 'false'")
    return dict(named)


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def check_fits(name: str, value: Any) -> None:
    """ValueError: plain data that a synced trait cannot hold."""
    size = len(json.dumps(value))
    if size > MAX_TRAIT:
        raise InvalidValueError(
            f"{name} must take at most {MAX_TRAIT:,} bytes, got {size:,}; use fewer or shorter parts"
        )
