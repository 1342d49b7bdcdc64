"""The two services and the one process, in turns: processor time and memory a picture.

python -m bench.dataplane.one_process [rounds]

Rates are left out: where other work is on the machine, two processes get two shares of it.
"""

import contextlib
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.dataplane.run import QUIET, Service, load, make_jpeg, write_body
from bench.machine import describe_machine
from bench.usage import read_pss
from tools.processes import ROOT, find_ports, run_services, run_standalone

CLIENTS = (1, 16, 64)
PICTURES = 100
KINDS: dict[str, dict[str, str]] = {
    "two services": {},
    "one process": {},
    "two services, one engine thread": {"LANDMARKS_THREADS": "1"},
    "one process, one engine thread": {"LANDMARKS_THREADS": "1"},
}


@contextlib.contextmanager
def run(kind: str) -> Iterator[tuple[Service, ...]]:
    """Run the services of a kind; the first is the one to ask."""
    settings, logs = QUIET | KINDS[kind], ROOT / "out" / kind.replace(" ", "-")
    if kind.startswith("two"):
        with run_services(find_ports(), logs, settings) as (predictor, transformer):
            yield transformer, predictor
    else:
        with run_standalone(find_ports(), logs, settings) as service:
            yield (service,)


def read_cpu(service: Service) -> dict[str, float]:
    """Read the processor time of each thread, in milliseconds."""
    tasks = Path(f"/proc/{service.process.pid}/task")
    return {t.name: int((t / "schedstat").read_text().split()[0]) / 1e6 for t in tasks.iterdir()}


def measure(services: tuple[Service, ...], body: Path, clients: int) -> dict[str, float]:
    """Ask for some pictures: milliseconds a picture of all threads and of the event loops."""
    before = [read_cpu(service) for service in services]
    call = ["--to-rest", services[0].rest, "--body", body, "--type", "image/jpeg"]
    told = load(*call, "--clients", clients, "--warm", 0, "--seconds", 120, "--requests", PICTURES)
    if set(told["codes"]) != {"200"}:
        raise RuntimeError(f"not all were answered: {told['codes']}")
    answered = told["codes"]["200"]
    found = {"cpu": 0.0, "loops": 0.0}
    for service, earlier in zip(services, before, strict=True):
        spent = {t: ms - earlier.get(t, 0.0) for t, ms in read_cpu(service).items()}
        found["cpu"] += sum(spent.values()) / answered
        found["loops"] += spent[str(service.process.pid)] / answered
    return found


def main(rounds: int) -> None:
    body = write_body(make_jpeg())
    rows: dict[str, dict] = {kind: {"cpu_ms": {}, "loops_ms": {}} for kind in KINDS}
    seen: dict[tuple[str, int], list[dict[str, float]]] = {}
    with contextlib.ExitStack() as stack:
        running = {kind: stack.enter_context(run(kind)) for kind in KINDS}
        for turn in range(rounds + 1):
            for clients in CLIENTS:
                for kind, services in running.items():
                    found = measure(services, body, clients)
                    if turn:  # the first one warms up
                        seen.setdefault((kind, clients), []).append(found)
        for kind, services in running.items():
            rows[kind]["pss_mb"] = round(sum(read_pss(service.process.pid) for service in services))
    for (kind, clients), all_found in seen.items():
        for name, key in (("cpu_ms", "cpu"), ("loops_ms", "loops")):
            rows[kind][name][clients] = round(statistics.median(f[key] for f in all_found), 2)
    print(json.dumps(describe_machine() | {"rounds": rounds, "kinds": rows}, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
