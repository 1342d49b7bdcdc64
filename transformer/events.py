"""What was answered, as CloudEvents to a sink: points, scores and sizes, never pixels.

A thread sends them. A request never waits for it: what the sink doesn't take in time is dropped.
"""

import contextlib
import datetime
import queue
import random
import threading
import uuid
from collections.abc import Mapping

import httpx
import orjson
from numpy.typing import NDArray

from serving.contract import BOX_SCORES, BOXES, FACE_SCORES, IMAGE_INDEX, LANDMARKS, SCORES
from serving.telemetry import metrics
from transformer.locate import CROP_BRIGHTNESS

TYPE = "landmarks.answered.v1"
SENT = (BOXES, BOX_SCORES, IMAGE_INDEX, LANDMARKS, SCORES, FACE_SCORES)
WAITING = 1000  # events; what comes while so many wait is dropped
SECONDS = 5.0  # that the sink may take for one
LAST_SECONDS = 2.0  # for what waits at the end


class EventSender:
    """Sends a share of the answers to a URL, in CloudEvents' binary mode of HTTP."""

    def __init__(self, url: str, share: float, source: str):
        self.url, self.share, self.source = url, share, source
        self.waiting: queue.Queue[tuple[str, dict] | None] = queue.Queue(WAITING)
        self.thread = threading.Thread(target=self.send_all, name="events", daemon=True)
        self.thread.start()

    def offer(self, arrays: Mapping[str, NDArray], model: str, digest: str, pictures: int) -> None:
        """Take an answer's arrays to be sent, or don't: by chance, or as too many wait."""
        if random.random() >= self.share:
            return
        told = {"model": model, "landmarks_set": digest, "pictures": pictures}
        seen = {spec.name: arrays[spec.name] for spec in SENT}
        data = {**seen, "brightness": arrays[CROP_BRIGHTNESS], **told}
        now = datetime.datetime.now(datetime.UTC).isoformat()
        try:
            self.waiting.put_nowait((now, data))
        except queue.Full:
            metrics.EVENTS.labels("dropped").inc()

    def send_all(self) -> None:
        """Send what waits, one after another, until None does."""
        headers = {"ce-specversion": "1.0", "ce-type": TYPE, "ce-source": self.source}
        headers["content-type"] = "application/json"
        with httpx.Client(headers=headers, timeout=SECONDS) as client:
            while (entry := self.waiting.get()) is not None:
                time, data = entry
                try:
                    content = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)
                    own = {"ce-id": str(uuid.uuid4()), "ce-time": time}
                    client.post(self.url, content=content, headers=own).raise_for_status()
                    metrics.EVENTS.labels("sent").inc()
                except Exception:  # whatever is wrong with it, the next one may fare better
                    metrics.EVENTS.labels("failed").inc()

    def close(self) -> None:
        """Let what waits go out for a moment."""
        with contextlib.suppress(queue.Full):
            self.waiting.put_nowait(None)
        self.thread.join(LAST_SECONDS)


def observe_faces(arrays: Mapping[str, NDArray]) -> None:
    """Count the scores, sizes and brightness of the faces that are answered."""
    boxes = arrays[BOXES.name]
    sizes = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])) ** 0.5
    seen = arrays[FACE_SCORES.name], sizes, arrays[CROP_BRIGHTNESS]
    kinds = metrics.FACE_SCORE, metrics.FACE_SIZE, metrics.FACE_BRIGHTNESS
    for metric, values in zip(kinds, seen, strict=True):
        child = metrics.find_child(metric, "transformer")
        for value in values.tolist():
            child.observe(value)
