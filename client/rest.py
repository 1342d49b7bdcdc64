"""A model at a REST address: what is sent to it, and what it says."""

import json
import random
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidHeader, MaxRetryError, ReadTimeoutError
from urllib3.util import Retry

from .faces import LOW, Face, ServiceError, make_faces
from .request import JSON_LENGTH, Asked, read_outputs

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SET_HEADER = "landmarks-set"  # of an answer: the digest of its landmark set
LONGEST_WAIT = 30.0  # seconds between two attempts


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


class RestModel:
    """A model at a REST address. Threads may share it."""

    def __init__(
        self,
        url: str,
        model: str,
        timeout: float,
        retries: int,
        headers: Mapping[str, str] | None = None,
        connections: int = 10,
    ):
        url = url if "://" in url else f"http://{url}"  # as curl takes it
        self.address = f"{url.rstrip('/')}/v2/models/{quote(model, safe='')}"
        self.timeout, self.headers = timeout, dict(headers or {})
        self.sets: dict[str, tuple[list[str], float]] = {}  # points' names and LOW, by digest
        self.session = requests.Session()
        try:  # a proxy of the environment leads past this machine
            self.session.trust_env = urlsplit(self.address).hostname not in LOOPBACK
        except ValueError as error:
            raise ServiceError("bad_address", f"{url} is not an address ({error}).") from None
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
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=retry))

    def locate(self, asked: Asked) -> tuple[Face, ...]:
        """Find the faces of a picture; raises ServiceError."""
        return self.follow(asked)[0]

    def follow(self, asked: Asked) -> tuple[tuple[Face, ...], list[int]]:
        """Find the faces of a frame, and which of the frame before's each is, -1 for a new one."""
        answer = self.ask("POST", "/infer", asked)
        try:
            outputs = read_outputs(answer.content, answer.headers.get(JSON_LENGTH))
            count = outputs["landmarks"]["shape"][1]
            names, low = self.find_set(answer.headers.get(SET_HEADER, ""), count)
            faces = tuple(make_faces({n: o["data"] for n, o in outputs.items()}, names, low))
            rows = outputs["face_ids"]["data"] if asked.previous else [-1] * len(faces)
            return faces, [int(row) for row in rows]
        except (KeyError, ValueError, TypeError, IndexError):
            raise self.tell_other() from None

    def draw(self, asked: Asked, kind: str) -> bytes:
        """Have a picture drawn with its boxes and points, as this type; raises ServiceError."""
        answer = self.ask("POST", "/infer", asked, kind)
        if answer.headers.get("content-type") != kind:
            raise self.tell_other()
        return answer.content

    def find_set(self, digest: str, count: int) -> tuple[list[str], float]:
        """Return the names of an answer's points and the face_score from which they are trusted.

        The model's configuration has both, and is asked once for each landmark set.
        """
        if digest not in self.sets:
            parameters = self.ask("GET", "/config").json().get("parameters") or {}
            told = {name: value["string_value"] for name, value in parameters.items()}
            names = [str(name) for name in json.loads(told["points"])]
            if len(names) != count:  # the model was replaced between the two
                text = f"{self.address} answers with {count} points, but names {len(names)}."
                raise ServiceError("other_landmarks", text)
            self.sets[digest] = names, float(told.get("low", LOW))
        return self.sets[digest]

    def ask(
        self,
        method: str,
        path: str,
        asked: Asked | None = None,
        accept: str = "application/json",
    ) -> requests.Response:
        """Make a request; raises ServiceError for all but success."""
        address = self.address + path
        data, kind, choices = asked.write() if asked else (None, {}, {})
        headers = {"accept": accept, **kind, **self.headers}
        try:
            answer = self.session.request(
                method, address, choices, data, headers, timeout=self.timeout
            )
        except ValueError as error:  # an address or a header that can't be sent
            raise ServiceError("bad_address", f"{address} cannot be asked ({error}).") from None
        except requests.ReadTimeout:
            text = f"{address} did not answer within {self.timeout:g} seconds."
            raise ServiceError("no_answer", text) from None
        except requests.RequestException as error:
            raise ServiceError("unreachable", f"{address} does not answer ({error}).") from None
        if not answer.ok:
            raise self.tell_error(answer)
        return answer

    def tell_error(self, answer: requests.Response) -> ServiceError:
        """Make an error of an answer: the service's own, or of what stands before it."""
        try:
            told = answer.json()
            return ServiceError(str(told["code"]), str(told["error"]))
        except (ValueError, KeyError, TypeError):
            text = f"{self.address} answers {answer.status_code} {answer.reason}."
            return ServiceError(str(answer.status_code), text)

    def tell_other(self) -> ServiceError:
        text = f"{self.address} answers as no landmarks service does."
        return ServiceError("other_service", text)

    def close(self) -> None:
        self.session.close()
