"""Measure the service beside its peers: python -m bench.peers [quick|full] [--only NAME,...].

Rounds go through all servers in turn, so that a slow minute of the machine hits all of them.
The results go to bench/peers/results, and PEERS.md is written of them.
"""

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench.machine import describe_machine
from bench.peers.faults import try_faults
from bench.peers.install import find_missing, read_versions
from bench.peers.measure import Plan, measure_server
from bench.peers.page import write_page
from bench.peers.table import SERVERS, Server, write_mlserver_models
from transformer.detectors import find_detector

RESULTS = Path("bench/peers/results")
ALL = (1, 4, 16, 64)
PLANS = {
    "smoke": Plan(1, 1.0, (4,), (4,), (4,), (2,)),
    "quick": Plan(3, 3.0, (1, 16, 64), (16, 64), (1, 64), (4,), skip=("litserve-user",)),
    "full": Plan(3, 5.0, ALL, ALL, ALL, (4,)),
}


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def choose_servers(only: str, detector: str) -> list[Server]:
    """Choose servers by name; exits with one sentence for a name that isn't there."""
    names = [server.name for server in SERVERS]
    wanted = only.split(",") if only else names
    for name in wanted:
        if name not in names:
            print(f"There is no peer '{name}'; there are {', '.join(names)}.", file=sys.stderr)
            raise SystemExit(2)
    return [find_missing(server, detector) for server in SERVERS if server.name in wanted]


def measure_rounds(servers: list[Server], plan: Plan, minutes: float) -> dict[str, list[dict]]:
    """Measure all servers in turn, round by round, as long as another round fits the time."""
    found: dict[str, list[dict]] = {server.name: [] for server in servers}
    begun, longest = time.monotonic(), 0.0
    for number in range(plan.rounds):
        if time.monotonic() - begun + longest > 60 * minutes:
            say(f"no time for round {number + 1}")
            break
        turn = time.monotonic()
        for server in servers if number % 2 == 0 else servers[::-1]:
            say(f"round {number + 1}: {server.title}")
            row = measure_server(server, plan, say)
            if "problem" in row:
                say(f"{server.name}: {row['problem']}")
            found[server.name].append(row)
        longest = max(longest, time.monotonic() - turn)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plan", nargs="?", choices=PLANS, default="quick")
    parser.add_argument("--only", default="", metavar="NAME,...")
    parser.add_argument("--minutes", type=float, default=30, help="no round begins that won't fit")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    given = os.environ.get("LANDMARKS_DETECTOR")
    try:
        detector = str(find_detector(Path(given) if given else None).resolve())
    except (RuntimeError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    servers = choose_servers(asked.only, detector)
    plan = replace(PLANS[asked.plan], detector=detector)
    servers = [s for s in servers if asked.only or s.name not in plan.skip]
    write_mlserver_models()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end with us
    asked.out.mkdir(parents=True, exist_ok=True)
    begun = time.time()
    rounds = measure_rounds(servers, plan, asked.minutes)
    faults = {} if asked.no_faults else {s.name: try_faults(s, plan, say) for s in servers}
    result = {
        "machine": describe_machine() | {"load": os.getloadavg()[0]},
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime(begun)),
        "minutes": round((time.time() - begun) / 60, 1),
        "words": " ".join(sys.argv[1:]) or asked.plan,
        "plan": {"seconds": plan.seconds, "rounds": plan.rounds},
        "detector": Path(detector).name,
        "versions": read_versions(servers),
        "rounds": rounds,
        "faults": faults,
    }
    (asked.out / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    write_page(result, asked.out.parent if asked.out == RESULTS else asked.out)
    say(f"{asked.out / 'peers.json'} and PEERS.md are written")


if __name__ == "__main__":
    main()
