"""The client: one picture, or many on several threads."""

import os
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from .faces import Face, Picture, Result, ServiceError
from .request import Asked, Box
from .rest import RestModel
from .storage import is_url, read_url

Choice = Any  # text, a number, or what `locate` itself has a name for
DEFAULT_URL = "http://127.0.0.1:8080"


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
        self.threads = threads
        self.model = RestModel(url, model, timeout, retries, headers, threads)

    def locate(
        self,
        picture: Picture,
        draw: bool = False,
        boxes: Sequence[Box] | None = None,
        outputs: Sequence[str] = (),
        **choices: Choice,
    ) -> Result:
        """Find the faces of a picture, a file's path or its bytes; none is an empty result.

        Points are in pixels of the upright picture. With `draw` the service is also asked for the
        picture with its points, at most 2,048 pixels wide or high. With `boxes` (x0, y0, x1, y1 in
        pixels of the upright picture) it searches for no faces: there is one for each, in their
        order. `outputs` are further ones, into each face's `extras`: pose, sharpness, brightness,
        eye_distance, inside, aligned, aligned_maps.
        `choices` are the service's parameters of a request: detect, min_score, max_faces, order,
        template, aligned_side. Raises ServiceError.
        """
        asked = Asked(read_picture(picture), choices, boxes, outputs)
        faces = self.model.locate(asked)
        drawing = self.model.draw(asked, "image/png") if draw else None
        return Result(name_picture(picture), picture, faces, drawing)

    def draw(self, picture: Picture, kind: str = "image/png", **choices: Choice) -> bytes:
        """Return the picture with boxes and points drawn, a PNG or JPEG; raises ServiceError."""
        return self.model.draw(Asked(read_picture(picture), choices), kind)

    def locate_many(
        self, pictures: Iterable[Picture], draw: bool = False, **choices: Choice
    ) -> Generator[Result, None, None]:
        """Yield the result of each picture, in their order; a failure is in the result's `error`.

        Twice as many pictures as threads are taken ahead, so that `pictures` may be without end.
        """
        waiting: deque[Future[Result]] = deque()
        with ThreadPoolExecutor(self.threads, "landmarks") as pool:
            try:
                for picture in pictures:
                    waiting.append(pool.submit(self.try_locate, picture, draw, choices))
                    if len(waiting) >= 2 * self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:  # who stops listening gets no more pictures sent
                for future in waiting:
                    future.cancel()

    def try_locate(self, picture: Picture, draw: bool, choices: Mapping[str, Choice]) -> Result:
        """Find the faces of a picture; an error is part of the result."""
        try:
            return self.locate(picture, draw, **choices)
        except ServiceError as error:
            return Result(name_picture(picture), picture, error=error)

    def close(self) -> None:
        """Close the connections."""
        self.model.close()

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
    """Return a picture's bytes, read from its file unless they are there."""
    if isinstance(picture, bytes):
        return picture
    if is_url(picture):
        return read_url(str(picture))
    try:
        return Path(picture).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise ServiceError("unreadable", f"{picture}: {reason}.") from None
