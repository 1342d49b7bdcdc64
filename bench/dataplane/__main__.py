"""Measure the data plane against its goals: python -m bench.dataplane [figure ...].

Without names all figures but the soak are measured; each is written to
bench/results/MACHINE/dataplane_NAME.json with what it was measured on, and its lines are printed.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable

from bench.dataplane import figures
from bench.machine import describe_machine, results_folder

FIGURES: dict[str, tuple[Callable[[], dict], dict[str, str]]] = {
    "cpu": (
        figures.measure_cpu,
        {
            "jpeg.two services.cpu_ms": "processor ms per JPEG, two services",
            "jpeg.one process.cpu_ms": "processor ms per JPEG, one process",
            "jpeg.stock.cpu_ms": "processor ms per JPEG, KServe's samples",
            "share_8": "engine's share of the processor time, 8 faces per call (goal >= 0.9)",
            "share_1": "engine's share of the processor time, 1 face per call (goal >= 0.8)",
        },
    ),
    "latency": (
        figures.measure_latency,
        {
            "grpc_over_engine_ms": "gRPC over the bare engine, p50 ms (goal <= 0.8)",
            "rest_over_engine_ms": "REST binary over the bare engine, p50 ms (goal <= 2)",
            "served_over_stages": "JPEG through both over its bare stages (goal <= 1.15)",
        },
    ),
    "stock": (
        figures.measure_stock,
        {
            "times_stock": "requests/s over stock KServe's, 64 callers (goal >= 30)",
            "health_ms.ours.p99": "/v2/health/live p99 while saturated, ms (goal <= 20)",
        },
    ),
    "overload": (
        figures.measure_overload,
        {
            "overload.codes": "answers at 10x overload (goal: 200 and 429)",
            "overload.ms.p99": "accepted p99 at 10x overload, ms (goal: bounded)",
            "rss_mib": "RSS before and after, MiB (goal: flat)",
        },
    ),
    "soak": (
        figures.measure_soak,
        {"growth_percent": "RSS growth over 100,000 requests, % (goal <= 5)"},
    ),
}


def find(result: dict, path: str) -> object:
    value: object = result
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def main(names: list[str]) -> None:
    """Measure the named figures, or all but the soak."""
    for name in names:
        if name not in FIGURES:
            print(f"There is no figure '{name}'; there are {', '.join(FIGURES)}.", file=sys.stderr)
            raise SystemExit(2)
    folder = results_folder()
    with contextlib.suppress(OSError):
        # Linux shares the processors out by session: as one of a shell's many, what is
        # measured in this process would get less of them than the services do.
        os.setsid()
    for name in names or [name for name in FIGURES if name != "soak"]:
        measure, shown = FIGURES[name]
        begun = time.monotonic()
        result = measure()
        result["machine"] = describe_machine()
        result["took_seconds"] = round(time.monotonic() - begun, 1)
        path = folder / f"dataplane_{name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        for where, what in shown.items():
            print(f"{what}: {find(result, where)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
