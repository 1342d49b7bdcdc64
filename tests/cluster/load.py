"""Callers in the background, one request after the other; and the pods meanwhile."""

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from PIL import Image

from tests.cluster.journal import INGRESS, OUT, PICTURE, CommandError, wait_until
from tests.cluster.release import Release, is_true


class Load:
    """Callers by steps ((users, seconds), ...); with `every` each sends one in so many seconds."""

    def __init__(
        self,
        host: str,
        *steps: tuple[int, float],
        picture: Path = PICTURE,
        pause: float = 0.0,
        every: float = 0.0,
    ):
        self.host, self.steps, self.pause, self.every = host, steps, pause, every
        self.body = picture.read_bytes()
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.users, self.begun = 0, time.time()
        self.statuses: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {}
        most = max(users for users, _ in steps)
        self.callers = [
            threading.Thread(target=self.call, args=(number, most), daemon=True)
            for number in range(most)
        ]
        self.leader = threading.Thread(target=self.lead, daemon=True)
        for thread in (self.leader, *self.callers):
            thread.start()

    def __enter__(self) -> "Load":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.stop()

    def lead(self) -> None:
        for users, seconds in self.steps:
            self.users = users
            if self.stopped.wait(seconds):
                return
        self.stopped.set()

    def call(self, number: int, most: int) -> None:
        connection, due = None, time.monotonic() + self.every * number / most
        while not self.stopped.wait(max(self.pause, due - time.monotonic() if self.every else 0)):
            due = max(due + self.every, time.monotonic())
            if number >= self.users:
                time.sleep(0.1)
                continue
            begun = time.monotonic()
            connection = connection or http.client.HTTPConnection(INGRESS, timeout=60)
            status, closes = self.ask(connection)
            if closes:
                connection.close()
                connection = None
            with self.lock:
                self.statuses[status] += 1
                self.seconds.setdefault(status[:3], []).append(time.monotonic() - begun)

    def ask(self, connection: http.client.HTTPConnection) -> tuple[str, bool]:
        """Send one request: what came, "200" where it is right, and whether the connection ends."""
        headers = {"Host": self.host, "Content-Type": "image/jpeg"}
        try:
            connection.request("POST", "/v2/models/unet/infer", self.body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            return repr(error), True
        if response.status == 200:
            outputs = json.loads(content)["outputs"]
            points = next(output["shape"] for output in outputs if output["name"] == "landmarks")
            right = points[0] > 0 and points[1:] == [15, 2]
            return ("200" if right else f"200 with {points}"), response.will_close
        kind = response.getheader("content-type", "")
        again = f", Retry-After {response.getheader('retry-after')}"
        return f"{response.status} {kind}{again}: {content[:80]!r}", response.will_close

    @property
    def running(self) -> bool:
        return not self.stopped.is_set()

    def finish(self) -> None:
        self.leader.join()
        self.stop()

    def stop(self) -> None:
        """End it now; what was counted is kept."""
        self.stopped.set()
        for thread in (self.leader, *self.callers):
            thread.join(70)

    def wait_more(self, requests: int) -> None:
        wanted = self.count()[0] + requests
        wait_until(f"{requests} more requests", lambda: self.count()[0] >= wanted, 400, 1)

    def count(self) -> tuple[int, int]:
        with self.lock:
            total = self.statuses.total()
            return total, total - self.statuses["200"]

    def __str__(self) -> str:
        total, failed = self.count()
        reasons = {key: count for key, count in self.statuses.items() if key != "200"}
        return f"{total} requests, {failed} failed {reasons or ''}".strip()[:500]

    def find_slowest(self, status: str, percent: float) -> float:
        times = sorted(self.seconds.get(status, [0.0]))
        return times[min(len(times) - 1, int(len(times) * percent / 100))]


class Watch:
    """A thread that counts each component's pods, ready or not, once a second."""

    def __init__(self, release: Release):
        self.release, self.stopping = release, threading.Event()
        self.samples: list[dict[str, float]] = []
        self.thread = threading.Thread(target=self.loop, daemon=True)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(30)

    def loop(self) -> None:
        while not self.stopping.wait(1.0):
            with suppress(CommandError):  # the API server is busy: the next one counts
                sample = {"at": time.time()}
                for name in ("transformer", "predictor"):
                    pods = self.release.pods(name)
                    ready = [is_true(pod["status"].get("conditions", []), "Ready") for pod in pods]
                    sample |= {name: len(pods), f"{name}_ready": sum(ready)}
                self.samples.append(sample)

    def between(self, start: float, end: float) -> list[dict[str, float]]:
        return [sample for sample in self.samples if start <= sample["at"] <= end]

    def peak(self, component: str) -> int:
        return int(max(sample[f"{component}_ready"] for sample in self.samples))


FACE = (130, 10, 320, 200)  # the astronaut's, x0, y0, x1, y1
ROWS, SIDE = 6, 106  # 36 faces of 106 pixels


def make_small() -> Path:
    """Write the face alone, halved: for loads that count requests, not work.

    Finding faces costs by the pixel, so that a thousand requests are there in half the time.
    """
    OUT.mkdir(parents=True, exist_ok=True)
    with Image.open(PICTURE) as picture:
        face = picture.convert("RGB").crop((90, 0, 370, 230)).resize((140, 115))
    face.save(OUT / "small.jpg", quality=85)
    return OUT / "small.jpg"


def make_crowd() -> Path:
    with Image.open(PICTURE) as picture:
        face = picture.convert("RGB").crop(FACE).resize((SIDE, SIDE))
    crowd = Image.new("RGB", (ROWS * SIDE, ROWS * SIDE))
    for number in range(ROWS * ROWS):
        crowd.paste(face, (number % ROWS * SIDE, number // ROWS * SIDE))
    OUT.mkdir(parents=True, exist_ok=True)
    crowd.save(OUT / "crowd.jpg", quality=85)
    return OUT / "crowd.jpg"
