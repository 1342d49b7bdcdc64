"""Bodies made to cost more than they weigh: each is refused, cheaply, and nobody waits for it."""

import gzip
import itertools
import json
import random
import time
from collections.abc import Iterable

import grpc
import requests

from tests.support.environment import COUNTS, SOAK
from tests.support.hostile import bodies
from tests.support.hostile.cost import MEGABYTE, Meter, count_patience
from tests.support.raw_http import INFER, METHOD
from tools.processes import Service
from tools.v2_json import image_tensor

LARGEST = 16 * MEGABYTE
SECONDS = 15 if SOAK == 1 else 40 * min(SOAK, 30)  # each kind is sent once, however long that takes
FACTOR, SPARE = 4, 64 * MEGABYTE  # what a request may take: times its bytes, and beside that
REFUSED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.NOT_FOUND,
}
NAMED: dict[str, Iterable[str]] = {
    "filler": bodies.FILLERS,
    "place": bodies.PLACES,
    "message": bodies.MESSAGES,
}
KINDS = [(k, name) for k, names in (NAMED | {"picture": bodies.PICTURES}).items() for name in names]
Case = tuple[str, Service, bytes, dict[str, str]]  # "grpc" stands in for the headers of a call


def make_case(r: random.Random, both: tuple[Service, Service], kind: str, name: str) -> Case:
    """Make a case of a kind; where none is named, of any of them."""
    kind = kind or r.choices(("filler", "message", "picture"), (6, 3, 1))[0]
    service, packed = r.choice(both), r.random() < 0.5
    if kind == "message":
        name, body = bodies.make_message(r, LARGEST, name)
        return name, service, body, {"grpc": ""}
    if kind == "picture":
        name, body = bodies.make_picture(r, name)
        if not packed:
            return name, both[1], body, {"content-type": "image/png"}
        body = json.dumps({"inputs": [image_tensor(body[:11_000_000])]}).encode()
        return name, both[1], body, {"content-type": "application/json"}
    filler, place = ("", name) if kind == "place" else (name, "data" if name else "")
    name, body = bodies.make_json_body(r, LARGEST, filler, place)
    headers = {"content-type": "application/json"}
    if packed:
        body, headers["content-encoding"] = gzip.compress(body, 6), "gzip"
    return name, service, body, headers


def send(service: Service, body: bytes, headers: dict[str, str]) -> str:
    """Ask; return "" when the body was refused as it should be, else what came instead."""
    if "grpc" in headers:
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(f"127.0.0.1:{service.grpc}", options) as channel:
            try:
                channel.unary_unary(METHOD)(body, timeout=60)
            except grpc.RpcError as error:
                return "" if error.code() in REFUSED else f"{error.code()}: {error.details()}"
            return "OK"
    answer = requests.post(service.url + INFER, body, headers=headers, timeout=60)
    refused = 400 <= answer.status_code < 500 and "error" in answer.json()
    return "" if refused else f"{answer.status_code}: {answer.text[:200]}"


def measure_wait(service: Service, body: bytes, headers: dict[str, str]) -> float:
    """Measure the longest wait of a probe beside one body."""
    meter = Meter([], [service.rest])
    time.sleep(0.5)
    send(service, body, headers)
    return max(seconds for _, seconds, _ in meter.stop())


def test_no_body_costs_more_than_it_weighs(predictor: Service, transformer: Service):
    r, patience = random.Random(0), count_patience()
    meter = Meter(
        [predictor.process.pid, transformer.process.pid], [predictor.rest, transformer.rest]
    )
    faults, spans, end = [], [], time.monotonic() + SECONDS
    for kind in itertools.chain(KINDS, itertools.repeat(("", ""))):
        if time.monotonic() > end and not kind[0]:
            break
        name, service, body, headers = make_case(r, (predictor, transformer), *kind)
        COUNTS["hostile bodies"] += 1
        label = f"{name}, {service.name}, {headers}, {len(body)} bytes"
        begun = time.monotonic()
        with meter.watch():
            problem = send(service, body, headers)
        spans.append((begun, time.monotonic(), label, (service, body, headers)))
        if problem:
            faults.append(f"{label}: {problem}")
        if meter.growth > FACTOR * len(body) + SPARE:
            faults.append(f"{label}: {meter.growth / MEGABYTE:.0f} MB more")
    suspects: dict[str, tuple] = {}
    for asked, seconds, _ in meter.stop():
        if seconds > patience:
            near = (span for span in spans if span[0] < asked + seconds and asked < span[1])
            suspects |= {label: case for _, _, label, case in near}
    for label, case in suspects.items():  # it was the body, if probes wait beside it again
        waits = [measure_wait(*case) for _ in range(3)]
        if min(waits) > patience:
            faults.append(f"probes took {waits} s beside {label}")
    assert not faults, "\n".join(faults)
