"""The wire: each request of the fixture parses to what it says, nothing else parses, and arrays survive the way."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from lightly_widget.errors import LightlyWidgetError
from lightly_widget.structs import tag_of
from lightly_widget.wire import (
    REPLIES,
    REQUESTS,
    Reply,
    Request,
    decode,
    encode,
    generate,
    pack_bits,
    parse_request,
    replies,
    request_id,
)
from lightly_widget.wire.parts import Points, to_plain
from lightly_widget.wire.requests import Select

FIXTURE = json.loads((Path(__file__).parent / "fixtures" / "messages.json").read_text())
REQUEST_EXAMPLES: list[dict[str, Any]] = FIXTURE["requests"]
REPLY_EXAMPLES: list[dict[str, Any]] = FIXTURE["replies"]


def buffers_of(example: dict[str, Any]) -> list[memoryview]:
    return [memoryview(bytes.fromhex(text)) for text in example["buffers"]]


def plain(value: Any) -> Any:
    """Tuples as lists, arrays as nested lists: what JSON would make of it."""
    if isinstance(value, np.ndarray):
        return value.reshape(-1).tolist()
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@pytest.mark.parametrize("example", REQUEST_EXAMPLES, ids=lambda e: e["content"]["kind"])
def test_requests_of_the_fixture_parse(example: dict[str, Any]) -> None:
    content = example["content"]
    request = parse_request(content, buffers_of(example))
    assert isinstance(request, Request)
    assert request.kind == content["kind"]
    for name, value in content.items():
        if name == "polygon":
            assert plain(getattr(request, name)) == example["arrays"][0]
        elif name == "image":
            assert list(request.image) == example["arrays"][0]
        elif name != "kind":
            assert plain(getattr(request, name)) == plain(value)


def test_the_fixture_holds_every_kind() -> None:
    assert {example["content"]["kind"] for example in REQUEST_EXAMPLES} == set(REQUESTS)
    assert {example["content"]["kind"] for example in REPLY_EXAMPLES} == set(REPLIES)


def typed(value: Any, hint: Any) -> Any:
    """Structs inside a reply, as the kernel makes them."""
    try:
        return msgspec.convert(value, hint)
    except (msgspec.ValidationError, TypeError, AttributeError):
        return value  # arrays are what they are


@pytest.mark.parametrize("example", REPLY_EXAMPLES, ids=lambda e: e["content"]["kind"])
def test_replies_encode_to_the_fixture(example: dict[str, Any]) -> None:
    """Made from the fixture's own values, each reply comes out as the fixture says, byte for byte."""
    content, buffers = dict(example["content"]), buffers_of(example)
    wanted = {name: value for name, value in content.items() if name not in {"seq", "id", "done"}}

    def revive(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"buffer", "dtype", "shape"}:
            return decode("it", value, buffers, value["dtype"]).reshape(value["shape"])
        return [revive(item) for item in value] if isinstance(value, list) else value

    fields = {field.name: field.type for field in msgspec.structs.fields(REPLIES[content["kind"]])}
    arrays = {name: revive(value) for name, value in wanted.items() if name != "kind"}
    reply = REPLIES[content["kind"]](**{n: typed(value, fields[n]) for n, value in arrays.items()})
    got, got_buffers = encode(reply)
    assert got == wanted
    assert [bytes(part) for part in got_buffers] == [bytes(part) for part in buffers]


# What is generated from the declarations -----------------------------------------------------------------------------


def test_the_generated_files_are_what_the_declarations_say() -> None:
    assert generate.main(check=True) == 0, "run python -m lightly_widget.wire.generate"


def test_a_changed_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(generate, "OUT", tmp_path / "generated")
    assert generate.main(check=False) == 0
    assert generate.main(check=True) == 0
    (tmp_path / "generated" / "catalog.ts").write_text("// edited by hand")
    assert generate.main(check=True) == 1
    assert "catalog.ts" in capsys.readouterr().out


# What comes from the browser may be anything -------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BUFFERS = st.lists(st.binary(max_size=64).map(memoryview), max_size=3)


@given(content=ANYTHING, buffers=BUFFERS)
def test_anything_is_refused_in_words(content: Any, buffers: list[memoryview]) -> None:
    with pytest.raises(LightlyWidgetError) as caught:
        parse_request(content, buffers)
    assert 0 < len(str(caught.value)) < 2_000


@given(data=st.data())
@settings(max_examples=300)
def test_a_request_with_anything_in_one_field_parses_or_is_refused(data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(REQUEST_EXAMPLES))
    content = dict(example["content"])
    name = data.draw(st.sampled_from([*content, "new"]))
    content[name] = data.draw(ANYTHING)
    buffers = data.draw(BUFFERS | st.just(buffers_of(example)))
    try:
        words = f"parsed {parse_request(content, buffers).id}"
    except LightlyWidgetError as error:
        words = str(error)
    assert 0 < len(words) < 2_000


@pytest.mark.parametrize("example", REQUEST_EXAMPLES, ids=lambda e: e["content"]["kind"])
def test_a_missing_field_is_named(example: dict[str, Any]) -> None:
    kind = REQUESTS[example["content"]["kind"]]
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    for name in required:
        content = {key: value for key, value in example["content"].items() if key != name}
        with pytest.raises(ValueError, match=name):
            parse_request(content, buffers_of(example))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": -1}, "id must be at least 0, got -1"),
        ({"id": True}, "id must be an integer, got True"),
        ({"id": 1.5}, "id must be an integer, got 1.5"),
        ({"id": 2**60}, "id must be at most"),
        ({"point": -1}, "point must be at least 0, got -1"),
        ({"point": 2**40}, "point must be at most 4,294,967,294"),
        ({"point": None}, "point must be an integer, got None"),
        ({"extra": 1}, "unknown field"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        parse_request({"kind": "detail", "id": 1, "point": 1} | change)


def select(polygon: Any, buffers: Any = (), op: str = "replace") -> Request:
    return parse_request({"kind": "select", "id": 1, "op": op, "polygon": polygon}, buffers)


REF = {"buffer": 0, "dtype": "f32", "shape": [6]}
TRIANGLE = memoryview(np.array([0, 0, 1, 0, 0, 1], dtype="<f4").tobytes())


def test_a_polygon_is_read_as_corners() -> None:
    request = select(REF, [TRIANGLE])
    assert isinstance(request, Select)
    assert request.polygon is not None
    assert request.polygon.tolist() == [[0, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("ref", "buffers"),
    [
        (REF, []),
        (REF | {"buffer": 1}, [TRIANGLE]),
        (REF | {"buffer": -1}, [TRIANGLE]),
        (REF | {"buffer": True}, [TRIANGLE]),
        (REF | {"dtype": "f64"}, [TRIANGLE]),
        (REF | {"dtype": "u32"}, [TRIANGLE]),
        (REF | {"shape": [5]}, [TRIANGLE]),
        (REF | {"shape": [2**31, 2**31]}, [TRIANGLE]),
        (REF | {"shape": 6}, [TRIANGLE]),
        (REF | {"shape": [4]}, [TRIANGLE[:16]]),
        (REF | {"more": 1}, [TRIANGLE]),
        (REF, [memoryview(np.full(6, np.nan, "<f4").tobytes())]),
        (REF, [memoryview(np.full(6, np.inf, "<f4").tobytes())]),
        (None, [TRIANGLE]),
        ("clear", [TRIANGLE]),
    ],
)
def test_a_polygon_that_is_none_is_refused(ref: Any, buffers: list[memoryview]) -> None:
    with pytest.raises(LightlyWidgetError):
        select(ref, buffers)


def request_with(**fields: Any) -> Request:
    """The fixture's request of a kind, with other fields."""
    example = next(e for e in REQUEST_EXAMPLES if e["content"]["kind"] == fields["kind"])
    return parse_request(example["content"] | fields, buffers_of(example))


LISTS_OF_POINTS = [
    (kind, field.name)
    for kind, request in REQUESTS.items()
    for field in msgspec.structs.fields(request)
    if field.type == Points
]


@pytest.mark.parametrize(("kind", "name"), LISTS_OF_POINTS)
def test_no_point_comes_twice(kind: str, name: str) -> None:
    assert getattr(request_with(kind=kind, **{name: [3, 1]}), name) == (3, 1)
    with pytest.raises(ValueError, match=f"{name} must not contain a point twice, got"):
        request_with(kind=kind, **{name: [3, 1, 3]})


def test_thumbnails_fit_into_a_message() -> None:
    """At most 2**24 pixels: 64 thumbnails of 512 pixels."""
    assert len(request_with(kind="thumbnails", points=list(range(64)), size=512).points) == 64
    with pytest.raises(ValueError, match="65 thumbnails of 512 pixels do not fit"):
        request_with(kind="thumbnails", points=list(range(65)), size=512)
    with pytest.raises(ValueError, match="66 thumbnails of 511 pixels do not fit"):
        request_with(kind="thumbnails", points=list(range(66)), size=511)


@pytest.mark.parametrize("kind", ["filter", "code"])
def test_a_filter_fits_into_its_trait(kind: str) -> None:
    def filter_of(length: int) -> dict[str, Any]:
        return {"op": "has_tag", "tag": "t" * length}

    many = {"op": "or", "items": [filter_of(900)] * 65}
    fitting = many | {"items": many["items"][:60]}
    assert json.loads(json.dumps(to_plain(request_with(kind=kind, filter=fitting).filter))) == fitting
    with pytest.raises(ValueError, match="filter must take at most 60,000 bytes, got"):
        request_with(kind=kind, filter=many)
    assert to_plain(None) is None


def test_clear_takes_no_polygon() -> None:
    with pytest.raises(ValueError, match="no polygon"):
        select(REF, [TRIANGLE], op="clear")


IMAGE = {"buffer": 0, "dtype": "u8", "shape": [4]}


@pytest.mark.parametrize(
    ("fields", "buffers", "words"),
    [
        ({}, [], "exactly one of"),
        ({"text": "cat", "point": 1}, [], "exactly one of"),
        ({"point": 1, "image": IMAGE}, [b"abcd"], "exactly one of"),
        ({"image": IMAGE}, [], "names buffer 0"),
        ({"image": IMAGE}, [b"abc"], "must have 4 bytes, got 3"),
        ({"image": IMAGE | {"shape": [0]}}, [b""], "must have 1 to"),
        ({"image": IMAGE | {"dtype": "f32"}}, [b"abcd"], "dtype"),
        ({"image": IMAGE | {"shape": [2**20 + 1]}}, [bytes(2**20 + 1)], "at most 1,048,576 items"),
        ({"image": IMAGE | {"shape": [2, 2**19 + 1]}}, [bytes(2**20 + 2)], "at most 1,048,576 items"),
        ({"image": "abcd"}, [b"abcd"], "image must be a dict, got 'abcd'"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(fields: Any, buffers: list[bytes], words: str) -> None:
    with pytest.raises(LightlyWidgetError, match=words):
        parse_request({"kind": "find", "id": 1, "k": 5} | fields, buffers)


@pytest.mark.parametrize("depth", [40, 100_000])
def test_a_nested_bomb_is_refused(depth: int) -> None:
    bomb: Any = 1
    for _ in range(depth):
        bomb = [bomb]
    with pytest.raises(ValueError, match="nested too deep"):
        parse_request({"kind": "filter", "id": 1, "filter": {"op": bomb}})


def test_what_contains_itself_is_refused_quickly() -> None:
    endless: Any = {"op": "and"}
    endless["items"] = [endless]
    with pytest.raises(ValueError, match="nested too deep"):
        parse_request({"kind": "filter", "id": 1, "filter": endless})
    with pytest.raises(LightlyWidgetError):
        parse_request({"kind": "sample", "id": 1, "strategies": [{"type": [1]}, endless]})


def test_a_megabyte_of_plain_data_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than"):
        parse_request({"kind": "filter", "id": 1, "filter": {"op": "x" * 1_000_000}})


@given(ANYTHING)
def test_the_id_of_an_answer_is_a_number_that_javascript_can_hold_or_none(content: Any) -> None:
    number = request_id(content)
    assert number is None or (type(number) is int and 0 <= number <= 2**53)


# Arrays and words on the way out -------------------------------------------------------------------------------------

DTYPES = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "f32": np.float32}


@given(data=st.data(), name=st.sampled_from(sorted(DTYPES)))
def test_arrays_survive_the_way_whatever_their_layout(data: st.DataObject, name: str) -> None:
    array = data.draw(nps.arrays(DTYPES[name], nps.array_shapes(max_dims=2, max_side=9, min_side=0)))
    layout = data.draw(st.sampled_from([lambda a: a, lambda a: a[::-1], lambda a: a.T, lambda a: a[..., ::2]]))
    sent = layout(array)
    reply = replies.Neighbors(1, sent, np.zeros(0, np.float32))
    content, buffers = encode(reply)
    back = decode("points", content["points"], buffers, name).reshape(content["points"]["shape"])
    np.testing.assert_array_equal(back, sent)


@given(
    mask=nps.arrays(np.bool_, st.integers(0, 70)),
)
def test_bits_are_the_least_significant_first(mask: Any) -> None:
    bits = pack_bits(mask)
    assert len(bits) == math.ceil(len(mask) / 8)
    for row, value in enumerate(mask):
        assert bool(bits[row >> 3] >> (row & 7) & 1) == value


@given(text=st.text(), number=st.floats())
def test_what_goes_out_is_json_that_every_browser_reads(text: str, number: float) -> None:
    content, _ = encode(replies.Progress(text + "\ud800", text, number))
    sent = json.dumps(content, allow_nan=False).encode()
    back = json.loads(sent)
    assert back["fraction"] == (number if math.isfinite(number) else None)
    assert back["text"] == text.encode("utf-8", "replace").decode()


def test_every_reply_is_a_reply() -> None:
    assert all(issubclass(reply, Reply) and tag_of(reply) == kind for kind, reply in REPLIES.items())
