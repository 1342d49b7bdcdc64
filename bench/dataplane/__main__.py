"""Measure the data plane against its goals: python -m bench.dataplane [figure ...].

Without names all figures but the soak are measured; each is written into
bench/results/MACHINE/dataplane.json with what it was measured on, and its lines are printed.
"""

import contextlib
import json
import os
import time
from argparse import ArgumentParser

from bench.dataplane import figures
from bench.machine import describe_machine, make_results_folder

FIGURES = {
    "cpu": figures.measure_cpu,  # goals: share_8 >= 0.9, share_1 >= 0.8 of the engine's own
    "latency": figures.measure_latency,  # gRPC + 0.8 ms, REST + 2 ms, a JPEG 1.15 of its stages
    "overload": figures.measure_overload,  # 200 and 429 alone, memory flat
    "soak": figures.measure_soak,  # memory within 5 % after 100,000 requests
}

if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m bench.dataplane")
    parser.add_argument("figures", nargs="*", choices=FIGURES, metavar="figure")
    names = parser.parse_args().figures or [name for name in FIGURES if name != "soak"]
    with contextlib.suppress(OSError):
        # Linux shares the processors out by session: as one of a shell's many, what is
        # measured in this process would get less of them than the services do.
        os.setsid()
    path = make_results_folder() / "dataplane.json"
    for name in names:
        begun = time.monotonic()
        result = FIGURES[name]() | {"machine": describe_machine()}
        result["took_seconds"] = round(time.monotonic() - begun, 1)
        known = json.loads(path.read_text()) if path.is_file() else {}
        path.write_text(json.dumps(known | {name: result}, indent=1) + "\n")
        for what, value in result.items():
            print(f"{name} {what}: {value}", flush=True)
