"""What is sent to a model at a REST address, how often, and how its answers are read."""

import json
import random
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidHeader, MaxRetryError, ReadTimeoutError
from urllib3.util import Retry

from .faces import USUAL, ServiceError

Box = Sequence[float]  # x0, y0, x1, y1 in pixels of the upright picture
Request = tuple[bytes | None, dict[str, str], Mapping[str, Any]]  # body, headers and query
JSON_LENGTH = "inference-header-content-length"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
LONGEST_WAIT = 30.0  # seconds between two attempts


def write_request(
    content: bytes,
    choices: Mapping[str, Any],
    boxes: Sequence[Box] | None = None,
    outputs: Sequence[str] = (),
    previous: Sequence[Sequence[tuple[float, float]]] = (),
) -> Request:
    """Write what is asked about a picture: the picture as it is, or raw tensors behind JSON.

    `choices` are the service's parameters, `boxes` instead of a search for faces, `outputs`
    beyond the usual ones, and `previous` the points of the frame before's faces.
    """
    if boxes is None and not outputs and not previous:
        # The service looks at a picture's bytes, whatever its type is said to be.
        return content, {"content-type": "image/jpeg"}, choices
    tensors = [("image", "BYTES", [1], struct.pack("<I", len(content)) + content)]
    if boxes is not None:
        raw = pack(value for box in boxes for value in box)
        tensors.append(("boxes", "FP32", [len(boxes), 4], raw))
    if previous:
        raw = pack(value for face in previous for place in face for value in place)
        tensors.append(("previous", "FP32", [len(previous), len(previous[0]), 2], raw))
    asked = {
        "inputs": [
            {"name": name, "datatype": datatype, "shape": shape}
            | {"parameters": {"binary_data_size": len(raw)}}
            for name, datatype, shape, raw in tensors
        ],
        "outputs": [
            {"name": name, "parameters": {"binary_data": name == "aligned"}}
            for name in ((*USUAL, *outputs) if outputs else ())
        ],
        "parameters": dict(choices),
    }
    head = json.dumps(asked).encode()
    headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(len(head))}
    return b"".join([head, *(raw for *_, raw in tensors)]), headers, {}


def pack(numbers: Iterable[float]) -> bytes:
    """Pack numbers as FP32, little endian."""
    values = [float(number) for number in numbers]
    return struct.pack(f"<{len(values)}f", *values)


def read_outputs(content: bytes, json_length: str | None) -> dict[str, dict[str, Any]]:
    """Read an answer's outputs by name, each with `data`: a list, or bytes of a raw one.

    Raises KeyError, ValueError or TypeError where it is not such an answer.
    """
    start = int(json_length) if json_length is not None else len(content)
    outputs = {each["name"]: each for each in json.loads(content[:start])["outputs"]}
    for output in outputs.values():
        if "data" not in output:
            end = start + output["parameters"]["binary_data_size"]
            output["data"], start = content[start:end], end
    return outputs


class PatientRetry(Retry):
    """Waits as long as Retry-After says and a little longer, so that callers who were refused
    together don't come back together. A request that timed out is not made again: the service is
    busy with it."""

    def get_retry_after(self, response: Any) -> float | None:
        try:
            seconds = super().get_retry_after(response)
        except InvalidHeader:
            return None
        return seconds and seconds + random.uniform(0.1, 0.5)

    def increment(self, *given: Any, **more: Any) -> Self:
        if isinstance(more.get("error"), ReadTimeoutError):
            raise more["error"]
        response = more.get("response")
        if response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT:
            raise MaxRetryError(more["_pool"], given[1])  # the response is returned as it is
        return super().increment(*given, **more)


def open_session(address: str, retries: int, connections: int) -> requests.Session:
    """Open a session that threads may share; raises ServiceError where it is not an address."""
    session = requests.Session()
    try:  # a proxy of the environment leads past this machine
        session.trust_env = urlsplit(address).hostname not in LOOPBACK
    except ValueError as error:
        raise ServiceError("bad_address", f"{address} is not an address ({error}).") from None
    retry = PatientRetry(
        retries,
        status_forcelist=(429, 503),
        allowed_methods=None,  # an inference changes nothing: it may be asked for twice
        backoff_factor=0.25,
        backoff_max=LONGEST_WAIT,
        backoff_jitter=0.25,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=retry))
    return session


def make_error(answer: requests.Response, address: str) -> ServiceError:
    """Make an error of an answer: the service's own, or of what stands before it."""
    try:
        told = answer.json()
        return ServiceError(str(told["code"]), str(told["error"]))
    except (ValueError, KeyError, TypeError):
        text = f"{address} answers {answer.status_code} {answer.reason}."
        return ServiceError(str(answer.status_code), text)
