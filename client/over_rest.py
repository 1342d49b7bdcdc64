"""The service over REST."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter

from .faces import ServiceError
from .names import SET_HEADER, read_names

DTYPES = {"FP32": np.float32, "INT32": np.int32}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SIGNATURES = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}


class RestTransport:
    """A model at a REST address. Threads may share it."""

    def __init__(
        self,
        url: str,
        model: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        connections: int = 10,
    ):
        url = url if "://" in url else f"http://{url}"  # as curl takes it
        self.address = f"{url.rstrip('/')}/v2/models/{quote(model, safe='')}"
        self.timeout, self.headers = timeout, dict(headers or {})
        self.session = requests.Session()
        try:  # a proxy of the environment leads past this machine
            self.session.trust_env = urlsplit(self.address).hostname not in LOOPBACK
        except ValueError as error:
            raise ServiceError("bad_address", f"{url} is no address ({error}).") from None
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=connections))

    def infer(self, content: bytes) -> tuple[dict[str, NDArray], str]:
        """Send a picture; return the outputs by name, and the digest of the points' names."""
        kind = SIGNATURES.get(content[:2], "image/jpeg")  # the server looks at the bytes anyway
        body, headers = self.ask("POST", "/infer", content, {"content-type": kind})
        try:
            return {out["name"]: read_output(out) for out in body["outputs"]}, headers.get(
                SET_HEADER, ""
            )
        except (KeyError, ValueError, TypeError):
            text = f"{self.address} answers as no landmarks service does."
            raise ServiceError("other_service", text) from None

    def draw(self, content: bytes, kind: str) -> bytes:
        """Send a picture; return it with its faces drawn, as a file of this media type."""
        sent = SIGNATURES.get(content[:2], "image/jpeg")
        return self.fetch("POST", "/infer", content, {"content-type": sent, "accept": kind}).content

    def ask_names(self) -> list[str]:
        """Ask the model's configuration for the names of its points."""
        parameters = self.ask("GET", "/config")[0].get("parameters") or {}
        return read_names({k: v.get("string_value", "") for k, v in parameters.items()})

    def ask(
        self, method: str, path: str, data: bytes | None = None, more: Mapping[str, str] = {}
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Make a request and return its answer's JSON and headers; raises ServiceError."""
        answer = self.fetch(method, path, data, more)
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServiceError("other_service", f"{self.address + path} gave no JSON.")
        return body, answer.headers

    def fetch(
        self, method: str, path: str, data: bytes | None, more: Mapping[str, str]
    ) -> requests.Response:
        """Make a request and return its answer; raises ServiceError, also for what it refuses."""
        headers = {**more, **self.headers}
        address = self.address + path
        try:
            answer = self.session.request(
                method, address, data=data, headers=headers, timeout=self.timeout
            )
        except ValueError as error:  # no address, or an odd header: requests' kinds of it included
            raise ServiceError("bad_address", f"{address} cannot be asked ({error}).") from None
        except requests.ReadTimeout:
            text = f"{address} did not answer within {self.timeout:g} seconds."
            raise ServiceError("no_answer", text) from None
        except requests.RequestException as error:
            raise ServiceError("unreachable", f"{address} does not answer ({error}).") from None
        if not answer.ok:
            try:
                body = answer.json()
            except ValueError:
                body = None
            told = body if isinstance(body, dict) else {}
            code = str(told.get("code") or answer.status_code)
            said = told.get("error") or f"{address} answers {answer.status_code} {answer.reason}."
            raise ServiceError(
                code,
                str(said),
                read_retry_after(answer.headers.get("retry-after")),
            )
        return answer

    def close(self) -> None:
        self.session.close()


def read_output(output: dict[str, Any]) -> NDArray:
    """Make an array of a JSON output."""
    return np.array(output["data"], DTYPES[output["datatype"]]).reshape(output["shape"])


def read_retry_after(text: str | None) -> float | None:
    """Read the seconds of a Retry-After, or date; None where there is no sense in it."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None
