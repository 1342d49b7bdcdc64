"""The client: one picture, or many on several threads."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Self

from .faces import Face, ServiceError, make_faces
from .names import find_names
from .over_grpc import GrpcTransport
from .over_rest import RestTransport
from .progress import Progress
from .result import Picture, Result, read_picture
from .retries import ask_patiently

DEFAULT_URL = "http://127.0.0.1:8080"


class Client:
    """A landmarks service. Threads may share a client; `close` it, or use it in a `with`.

    `url` is its REST address, else LANDMARKS_URL's, else port 8080 of this machine; `grpc`, if
    given, is the host:port that is asked over gRPC instead. `timeout` is seconds for one attempt,
    `retries` the attempts after the first one where the service is full, starting or away.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        grpc: str | None = None,
        model: str = "unet",
        timeout: float = 30.0,
        retries: int = 3,
        threads: int = 4,
        headers: Mapping[str, str] | None = None,
    ):
        if retries < 0 or threads < 1:
            raise ValueError("A client needs retries of 0 or more and at least one thread.")
        self.retries, self.threads = retries, threads
        url = url or os.environ.get("LANDMARKS_URL") or DEFAULT_URL
        self.transport: GrpcTransport | RestTransport = (
            GrpcTransport(grpc, model, timeout, headers)
            if grpc
            else RestTransport(url, model, timeout, headers, threads)
        )

    def locate(self, picture: Picture) -> Result:
        """Find the faces of a picture, a file's path or its bytes; none is an empty result.

        Points are in pixels of the upright picture. Raises ServiceError.
        """
        content = read_picture(picture)
        name = "" if isinstance(picture, bytes) else str(picture)
        faces = ask_patiently(lambda: self.ask_once(content), self.retries)
        rest = isinstance(self.transport, RestTransport)
        return Result(name, picture, tuple(faces), ask_drawn=self.draw if rest else None)

    def draw(self, picture: Picture, kind: str = "image/png") -> bytes:
        """Return a picture with its faces drawn, as a PNG or JPEG file; raises ServiceError."""
        content, transport = read_picture(picture), self.transport
        if not isinstance(transport, RestTransport):
            raise ServiceError("no_overlay", "Pictures are drawn over REST, not over gRPC.")
        return ask_patiently(lambda: transport.draw(content, kind), self.retries)

    def locate_many(
        self, pictures: Iterable[Picture], progress: bool | Callable[[int], object] = False
    ) -> Generator[Result, None, None]:
        """Yield the result of each picture, in their order; a failure is in the result's `error`.

        Twice as many pictures as threads are taken ahead, so that `pictures` may be without end.
        `progress` draws a line on a terminal, or is called with the number done.
        """
        report = Progress(pictures) if progress is True else progress or (lambda number: None)
        waiting: deque[Future[Result]] = deque()
        done = count(1)
        with ThreadPoolExecutor(self.threads, "landmarks") as pool:
            try:
                for picture in pictures:
                    waiting.append(pool.submit(self.try_locate, picture))
                    if len(waiting) >= 2 * self.threads:
                        yield waiting.popleft().result()
                        report(next(done))
                while waiting:
                    yield waiting.popleft().result()
                    report(next(done))
            finally:  # who stops listening gets no more pictures sent
                for future in waiting:
                    future.cancel()

    def try_locate(self, picture: Picture) -> Result:
        """Find the faces of a picture; an error is part of the result."""
        try:
            return self.locate(picture)
        except ServiceError as error:
            name = "" if isinstance(picture, bytes) else str(picture)
            return Result(name, picture, error=error)

    def ask_once(self, content: bytes) -> list[Face]:
        """Send a picture, and ask for its points' names where they aren't known."""
        arrays, digest = self.transport.infer(content)
        try:
            faces, points = arrays["landmarks"].shape[:2]
            ask = self.transport.ask_names
            names = find_names(self.transport.address, digest, points, ask) if faces else []
            return make_faces(arrays, names)
        except (KeyError, ValueError):
            text = f"{self.transport.address} answers as no landmarks service does."
            raise ServiceError("other_service", text) from None

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
