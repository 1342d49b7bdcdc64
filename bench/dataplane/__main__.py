"""Measure the data plane against its goals: python -m bench.dataplane [figure ...].

Without names all figures are measured; each is written to bench/results/dataplane_<name>.json
with what it was measured on, and its line is printed.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable

from bench.dataplane import latency, under_load
from bench.dataplane.cpu import measure_cpu
from bench.machine import describe_machine, results_folder

Figure = tuple[Callable[[], dict], Callable[[dict], list[tuple[str, object, str]]]]

FIGURES: dict[str, Figure] = {
    "cpu": (
        measure_cpu,
        lambda r: [
            ("processor ms a JPEG, ours", r["jpeg"]["ours"]["cpu_ms"], "-"),
            ("processor ms a JPEG, stock", r["jpeg"]["stock"]["cpu_ms"], "-"),
            ("engine's share of the processor time, 8 faces a call", r["share_8"], ">= 0.9"),
            ("engine's share of the processor time, 1 face a call", r["share_1"], ">= 0.8"),
        ],
    ),
    "overhead": (
        latency.measure_overhead,
        lambda r: [
            ("gRPC over the bare engine, p50 ms", r["grpc_over_engine_ms"], "<= 0.8"),
            ("REST binary over the bare engine, p50 ms", r["rest_over_engine_ms"], "<= 2"),
        ],
    ),
    "pinned": (
        under_load.measure_pinned,
        lambda r: [
            ("share of the engine on one core, 8 faces a call", r["share_8"], ">= 0.9"),
            ("share of the engine on one core, 1 face a call", r["share_1"], ">= 0.8"),
        ],
    ),
    "chain": (
        latency.measure_chain,
        lambda r: [("JPEG through both over its bare stages", r["served_over_stages"], "<= 1.15")],
    ),
    "stock": (
        under_load.measure_stock,
        lambda r: [
            ("requests/s over stock KServe's, 64 clients", r["times_stock"], ">= 30"),
            ("/v2/health/live p99 while saturated, ms", r["health_ms"]["ours"]["p99"], "<= 20"),
        ],
    ),
    "overload": (
        under_load.measure_overload,
        lambda r: [
            ("answers at 10x overload", r["overload"]["codes"], "200 and 429"),
            ("accepted p99 at 10x overload, ms", r["overload"]["ms"].get("p99"), "bounded"),
            ("RSS before and after, MiB", r["rss_mib"], "flat"),
        ],
    ),
    "soak": (
        under_load.measure_soak,
        lambda r: [("RSS growth over 100,000 requests, %", r["growth_percent"], "<= 5")],
    ),
}


def main(names: list[str]) -> None:
    """Measure the named figures, or all."""
    folder = results_folder()
    with contextlib.suppress(OSError):
        # Linux shares the processors out by session: as one of a shell's many, what is
        # measured in this process would get less of them than the services do.
        os.setsid()
    for name in names or FIGURES:
        measure, show = FIGURES[name]
        begun = time.monotonic()
        result = measure()
        result["machine"] = describe_machine()
        result["took_seconds"] = round(time.monotonic() - begun, 1)
        path = folder / f"dataplane_{name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        for what, value, goal in show(result):
            print(f"{what}: {value}  (goal {goal})", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
