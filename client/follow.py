"""Follow the faces of a stream of frames: what is known of them goes with each frame."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from .api import Choice, Client, read_picture
from .faces import Face, Picture
from .rest import write_request


class Follower:
    """The faces of one stream, with numbers that last as long as a face is seen.

    New faces are looked for every `search` seconds. Points are smoothed with `smooth`: a still
    face's don't shake.
    """

    def __init__(self, client: Client, search: float = 1.0, smooth: bool = True, **choices: Choice):
        self.client, self.search, self.smooth, self.choices = client, search, smooth, choices
        self.faces: dict[int, Face] = {}  # as the service saw them last
        self.filters: dict[int, OneEuro] = {}
        self.next, self.searched = 0, float("-inf")

    def locate(self, frame: Picture, seconds: float | None = None) -> dict[int, Face]:
        """Find the faces of the next frame, seen at a time in seconds; raises ServiceError."""
        seconds = time.monotonic() if seconds is None else seconds
        search = seconds - self.searched >= self.search
        self.searched = seconds if search else self.searched
        numbers = list(self.faces)
        previous = [[(p.x, p.y) for p in face.points] for face in self.faces.values()]
        choices = self.choices | {"search": "true" if search else "false"}
        request = write_request(read_picture(frame), choices, previous=previous)
        faces, rows = self.client.follow(request)
        self.faces = {}
        for face, row in zip(faces, rows, strict=True):
            number = numbers[row] if previous and row >= 0 else self.next
            self.next += number == self.next
            self.faces[number] = face
        if not self.smooth:
            return dict(self.faces)
        self.filters = {n: self.filters.get(n, OneEuro()) for n in self.faces}
        return {n: smooth(face, self.filters[n], seconds) for n, face in self.faces.items()}


def smooth(face: Face, smoothed: "OneEuro", seconds: float) -> Face:
    flat = smoothed([value for p in face.points for value in (p.x, p.y)], seconds)
    places = zip(face.points, flat[::2], flat[1::2], strict=True)
    return replace(face, points=tuple(replace(p, x=x, y=y) for p, x, y in places))


class OneEuro:
    """Smooths the coordinates of one face; make another one where its id is a new one.

    Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012: what moves is smoothed less, so that it
    doesn't lag. `cutoff` is in Hz, that of what stands still; `beta` raises it for each pixel a
    second.
    """

    def __init__(self, cutoff: float = 1.0, beta: float = 0.05):
        self.cutoff, self.beta = cutoff, beta
        self.values: list[float] = []
        self.speeds: list[float] = []
        self.time = 0.0

    def __call__(self, values: Sequence[float], seconds: float) -> list[float]:
        """Return the coordinates smoothed, given when they were seen."""
        step = seconds - self.time

        def weigh(cutoff: float) -> float:  # the share of a new value in a low pass, in Hz
            return 1 - 1 / (1 + 2 * math.pi * cutoff * step)

        if len(values) != len(self.values) or step <= 0:
            self.values, self.speeds = list(values), [0.0] * len(values)
        else:
            for i, value in enumerate(values):
                speed = (value - self.values[i]) / step
                self.speeds[i] += weigh(1.0) * (speed - self.speeds[i])
                share = weigh(self.cutoff + self.beta * abs(self.speeds[i]))
                self.values[i] += share * (value - self.values[i])
        self.time = seconds
        return list(self.values)
