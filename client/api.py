"""The client: one picture, or many on several threads."""

import json
import os
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import requests

from .faces import LOW, Face, Picture, Result, ServiceError, make_faces
from .packages import tell_errors
from .rest import JSON_LENGTH, Box, Request, make_error, open_session, read_outputs, write_request
from .shrink import NONE, Factors, enlarge, shrink_picture
from .storage import is_url, read_url

Choice = Any  # text, a number, or what `locate` itself has a name for
DEFAULT_URL = "http://127.0.0.1:8080"
NOTHING: Request = (None, {}, {})
SET_HEADER = "landmarks-set"  # of an answer: the digest of its landmark set


class Client:
    """A landmarks service. Threads may share a client; `close` it, or use it in a `with`.

    `url` is its address, else LANDMARKS_URL's, else port 8080 of this machine. `timeout` is
    seconds for one attempt, `retries` the attempts after the first one where the service is full,
    starting or away.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        model: str = "unet",
        timeout: float = 30.0,
        retries: int = 3,
        threads: int = 4,
        headers: Mapping[str, str] | None = None,
    ):
        if retries < 0 or threads < 1:
            raise ValueError("A client needs retries of 0 or more and at least one thread.")
        url = url or os.environ.get("LANDMARKS_URL") or DEFAULT_URL
        url = url if "://" in url else f"http://{url}"  # as curl takes it
        self.address = f"{url.rstrip('/')}/v2/models/{quote(model, safe='')}"
        self.timeout, self.threads, self.headers = timeout, threads, dict(headers or {})
        self.sets: dict[str, tuple[list[str], float]] = {}  # points' names and LOW, by digest
        self.session = open_session(self.address, retries, threads)

    def locate(
        self,
        picture: Picture,
        draw: bool = False,
        boxes: Sequence[Box] | None = None,
        outputs: Sequence[str] = (),
        shrink: bool = False,
        **choices: Choice,
    ) -> Result:
        """Find the faces of a picture, a file's path or its bytes; none is an empty result.

        Points are in pixels of the upright picture. With `draw` the service is also asked for the
        picture with its points, at most 2,048 pixels wide or high. With `boxes` (x0, y0, x1, y1 in
        pixels of the upright picture) it searches for no faces: there is one for each, in their
        order. `outputs` are further ones, into each face's `extras`: pose, sharpness, brightness,
        eye_distance, inside, aligned, aligned_maps. With `shrink` a photograph of more pixels than
        the service looks at goes with as many alone, a fraction of the bytes, and the result's
        `sent` says how many: points of small faces are less exact, boxes and outputs not to be had.
        `choices` are the service's parameters of a request: detect, min_score, min_face, max_faces,
        order, template, aligned_side. Raises ServiceError.
        """
        content = read_picture(picture)
        sent, factors = None, NONE
        if shrink:
            if boxes is not None or outputs:
                raise ValueError("shrink: boxes and outputs are of all of a picture's pixels.")
            choices = {"detect": "default"} | choices
            content, sent, factors = shrink_picture(content, choices["detect"])
        request = write_request(content, choices, boxes, outputs)
        faces, _ = self.follow(request, factors)
        drawing = self.ask_drawing(request, "image/png") if draw else None
        return Result(name_picture(picture), picture, faces, drawing, sent=sent)

    def draw(self, picture: Picture, kind: str = "image/png", **choices: Choice) -> bytes:
        """Return the picture with boxes and points drawn, a PNG or JPEG; raises ServiceError."""
        return self.ask_drawing(write_request(read_picture(picture), choices), kind)

    def locate_many(
        self, pictures: Iterable[Picture], draw: bool = False, **choices: Choice
    ) -> Generator[Result, None, None]:
        """Yield the result of each picture, in their order; a failure is in the result's `error`.

        Twice as many pictures as threads are taken ahead, so that `pictures` may be without end.
        """

        def try_locate(picture: Picture) -> Result:
            try:
                return self.locate(picture, draw, **choices)
            except ServiceError as error:
                return Result(name_picture(picture), picture, error=error)

        waiting: deque[Future[Result]] = deque()
        with ThreadPoolExecutor(self.threads, "landmarks") as pool:
            try:
                for picture in pictures:
                    waiting.append(pool.submit(try_locate, picture))
                    if len(waiting) >= 2 * self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:  # who stops listening gets no more pictures sent
                for future in waiting:
                    future.cancel()

    def follow(
        self, request: Request, factors: Factors = NONE
    ) -> tuple[tuple[Face, ...], list[int]]:
        """Find a picture's faces, and which of the frame before's each is, -1 for a new one."""
        answer = self.ask("POST", "/infer", request)
        try:
            outputs = read_outputs(answer.content, answer.headers.get(JSON_LENGTH))
            count = outputs["landmarks"]["shape"][1]
            names, low = self.find_set(answer.headers.get(SET_HEADER, ""), count)
            data = {name: output["data"] for name, output in outputs.items()}
            faces = tuple(make_faces(enlarge(data, factors), names, low))
            rows = outputs["face_ids"]["data"] if "face_ids" in outputs else [-1] * len(faces)
            return faces, [int(row) for row in rows]
        except (KeyError, ValueError, TypeError, IndexError):
            raise self.tell_other() from None

    def ask_drawing(self, request: Request, kind: str) -> bytes:
        answer = self.ask("POST", "/infer", request, kind)
        if answer.headers.get("content-type") != kind:
            raise self.tell_other()
        return answer.content

    def find_set(self, digest: str, count: int) -> tuple[list[str], float]:
        """Return an answer's points' names and from when it is trusted; asked once for each set."""
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
        self, method: str, path: str, request: Request = NOTHING, accept: str = "application/json"
    ) -> requests.Response:
        """Make a request; raises ServiceError for all but success."""
        address = self.address + path
        body, kind, query = request
        headers = {"accept": accept, **kind, **self.headers}
        try:
            answer = self.session.request(
                method, address, query, body, headers, timeout=self.timeout
            )
        except ValueError as error:  # an address or a header that can't be sent
            raise ServiceError("bad_address", f"{address} cannot be asked ({error}).") from None
        except requests.ReadTimeout:
            text = f"{address} did not answer within {self.timeout:g} seconds."
            raise ServiceError("no_answer", text) from None
        except requests.RequestException as error:
            raise ServiceError("unreachable", f"{address} does not answer ({error}).") from None
        if not answer.ok:
            raise make_error(answer, self.address)
        return answer

    def tell_other(self) -> ServiceError:
        text = f"{self.address} answers as no landmarks service does."
        return ServiceError("other_service", text)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def locate(
    picture: Picture,
    url: str | None = None,
    model: str = "unet",
    timeout: float = 30.0,
    headers: Mapping[str, str] | None = None,
) -> list[Face]:
    """Find the faces of one picture without a client to keep. Asks once; raises ServiceError."""
    with Client(url, model=model, timeout=timeout, headers=headers, retries=0) as client:
        return list(client.locate(picture))


def name_picture(picture: Picture) -> str:
    return "" if isinstance(picture, bytes) else str(picture)


def read_picture(picture: Picture) -> bytes:
    if isinstance(picture, bytes):
        return picture
    if is_url(picture):
        return read_url(str(picture))
    with tell_errors("unreadable", str(picture)):
        return Path(picture).read_bytes()
