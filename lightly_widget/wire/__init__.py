"""The wire: typed requests and replies, and the codec of arrays. Mirror of `js/src/protocol.ts`; nothing else.

Everything that comes from the browser passes `parse_request`, which gives a checked, typed request or raises one of
this package's errors; nothing behind it has to check types again.
"""

from lightly_widget.wire import replies, requests
from lightly_widget.wire.codec import decode, encode, pack_bits
from lightly_widget.wire.parse import parse_request, plain_object, request_id
from lightly_widget.wire.replies import PART_ROWS, REPLIES, Reply
from lightly_widget.wire.requests import REQUESTS, Request

PROTOCOL = 1
"""Both sides speak this one; `hello` says which."""

__all__ = [
    "PART_ROWS",
    "PROTOCOL",
    "REPLIES",
    "REQUESTS",
    "Reply",
    "Request",
    "decode",
    "encode",
    "pack_bits",
    "parse_request",
    "plain_object",
    "replies",
    "request_id",
    "requests",
]
