"""Prometheus metrics of a service; serving/rest/manage.py shows them."""

from functools import lru_cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

# A detector takes 10 ms and a face 2: KServe's first bucket of 5 ms would hide both.
BUCKETS = tuple(0.00025 * 1.6**i for i in range(26))  # 0.25 ms .. 32 s

INFLIGHT = Gauge("landmarks_inflight_requests", "Requests in flight.", ["service"])
REQUESTS = Counter("landmarks_requests_total", "Requests by outcome.", ["service", "model", "code"])
SECONDS = Histogram(
    "landmarks_request_seconds", "Time to answer.", ["service", "model"], buckets=BUCKETS
)
STAGE = Histogram(
    "landmarks_stage_seconds", "Time of a stage.", ["service", "stage"], buckets=BUCKETS
)
FACES = Counter("landmarks_faces_total", "Faces answered.", ["service"])
FACE_SCORE = Histogram(
    "landmarks_face_score",
    "The face_score of faces answered.",
    ["service"],
    buckets=[i / 20 for i in range(1, 21)],
)
FACE_SIZE = Histogram(
    "landmarks_face_size_pixels",
    "Mean side of the boxes of faces answered.",
    ["service"],
    buckets=[8 * 2 ** (i / 2) for i in range(17)],  # 8 .. 2048
)
FACE_BRIGHTNESS = Histogram(
    "landmarks_face_brightness",
    "Mean of the pixels of faces answered, 0 to 255.",
    ["service"],
    buckets=range(15, 256, 15),
)
EVENTS = Counter("landmarks_events_total", "Events by outcome: sent, failed, dropped.", ["outcome"])
BATCH = Histogram(
    "landmarks_batch_faces", "Faces in one execution.", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
QUEUED = Gauge("landmarks_queued_faces", "Faces waiting for an execution.")
DROPPED_LINES = Counter(
    "landmarks_dropped_log_lines_total", "Lines of the log that nobody read in time."
)
PENDING = Gauge("landmarks_pending_pictures", "Pictures waiting for a worker or with one.")
PREDICTOR_READY = Gauge(
    "landmarks_predictor_ready", "Whether the transformer's predictor said that it is ready."
)
ENGINE = Gauge("landmarks_engine_info", "What runs the network.", ["model", "version", "engine"])

DETECTOR = Gauge(
    "landmarks_detector_info", "What finds the faces.", ["detector", "runtime", "precision"]
)


def count_request(service: str, model: str, code: str, seconds: float) -> None:
    """Count one request that ended, with how."""
    find_child(REQUESTS, service, model, code).inc()
    find_child(SECONDS, service, model).observe(seconds)


def observe_stages(service: str, timings: dict[str, float]) -> None:
    """Count the seconds of each stage of one request."""
    for stage, seconds in timings.items():
        find_child(STAGE, service, stage).observe(seconds)


@lru_cache(4096)  # the library locks, and makes text of each label, at every look
def find_child(metric: MetricWrapperBase, *labels: str) -> Any:
    """Find the counter, gauge or histogram of these labels."""
    return metric.labels(*labels)
