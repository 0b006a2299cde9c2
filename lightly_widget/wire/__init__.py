"""The wire: requests and replies, declared once, and the codec of arrays. `generate` makes `js/src/generated/` of it.

Everything that comes from the browser passes `parse_request`, which gives a checked, typed request or raises one of
this package's errors; nothing behind it has to check types again.
"""

from lightly_widget.wire import replies, requests
from lightly_widget.wire.codec import decode, encode, pack_bits
from lightly_widget.wire.parse import parse_request, request_id
from lightly_widget.wire.parts import Candidates, ColorBy, Filter, SampleSpec, to_plain
from lightly_widget.wire.replies import PART_POINTS, REPLIES, Reply
from lightly_widget.wire.requests import REQUESTS, Request

PROTOCOL = 1
"""Both sides speak this one; `hello` says which."""

__all__ = [
    "PART_POINTS",
    "PROTOCOL",
    "REPLIES",
    "REQUESTS",
    "Candidates",
    "ColorBy",
    "Filter",
    "Reply",
    "Request",
    "SampleSpec",
    "decode",
    "encode",
    "pack_bits",
    "parse_request",
    "replies",
    "request_id",
    "requests",
    "to_plain",
]
