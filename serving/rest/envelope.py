"""The members of a V2 JSON body, each as the text that it came as.

To skip a value, however large, makes no object of it: only what is small, or is a tensor's data
and read in pieces, becomes more than text.
"""

from typing import Any

import msgspec
import orjson
from msgspec import Raw

from serving.errors import InvalidRequest
from serving.rest.json_values import WINDOW

MAX_OBJECTS = 1024  # in a body: each is a Python object
MAX_FIELD = 64 * 2**10  # bytes of JSON of anything but a tensor's data


class Envelope(msgspec.Struct):
    """A request's members as text: to skip a value, however large, makes no object of it."""

    inputs: Raw = Raw()
    outputs: Raw = Raw()
    parameters: Raw = Raw()
    id: Raw = Raw()


class Entry(msgspec.Struct):
    """An input's members as text."""

    name: Raw = Raw()
    datatype: Raw = Raw()
    shape: Raw = Raw()
    parameters: Raw = Raw()
    data: Raw = Raw()


ENVELOPE = msgspec.json.Decoder(Envelope)
ENTRIES = msgspec.json.Decoder(list[Entry])


def read_envelope(text: memoryview) -> Envelope:
    """Read a body's members, each still as text; raises InvalidRequest."""
    objects = 0
    for start in range(0, len(text), WINDOW):
        objects += bytes(text[start : start + WINDOW]).count(b"{")
    if objects > MAX_OBJECTS:
        raise InvalidRequest(f"The body has more than {MAX_OBJECTS} objects.")
    try:
        return ENVELOPE.decode(text)
    except msgspec.ValidationError:
        raise InvalidRequest("The body needs an object with a list 'inputs'.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply.") from None


def read_entries(text: Raw) -> list[Entry]:
    """Read the members of each input, each still as text; raises InvalidRequest."""
    if not text:
        raise InvalidRequest("The body needs an object with a list 'inputs'.")
    try:
        return ENTRIES.decode(text)
    except msgspec.DecodeError:
        wrong = "The body needs an object with a list 'inputs'."
        if memoryview(text)[:1] == b"[":
            wrong = "Each input needs an object with a 'name'."
        raise InvalidRequest(wrong) from None


def read_field(text: Raw, name: str) -> Any:
    """Read a member that is no tensor's data, None where it is missing."""
    if len(memoryview(text)) > MAX_FIELD:
        raise InvalidRequest(f"'{name}' has more than {MAX_FIELD} bytes.")
    try:
        return orjson.loads(memoryview(text)) if text else None
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
