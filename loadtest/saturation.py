"""Find the concurrency at which one pod is saturated: what autoscaling.*.target follows from.

    python loadtest/saturation.py http://127.0.0.1:8080
    python loadtest/saturation.py http://127.0.0.1:8080 --host-header NAME --levels 1,2,4,8
    python loadtest/saturation.py http://127.0.0.1:8082 --grpc 127.0.0.1:8083 --user FaceUser

Each level is a number of users who ask one request after the other, against ONE pod of each
component (or `make serve`). The target is the lowest level with 95 % of the best throughput: beyond
it more requests in flight only wait longer.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

LOCUSTFILE = Path(__file__).resolve().parent / "locustfile.py"
ENOUGH = 0.95


def measure(url: str, users: int, seconds: int, more: list[str], user: str) -> dict[str, float]:
    """Run one level; gives requests a second, p50 and p95 in ms."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"),
            *("-H", url, "-u", str(users), "-r", "100", "-t", f"{seconds}s"),
            *("--only-summary", "--csv", f"{folder}/level", "--reset-stats", *more, user),
        ]
        subprocess.run(command, check=True, capture_output=True)
        with Path(f"{folder}/level_stats.csv").open() as file:
            total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    return {
        "rps": float(total["Requests/s"]),
        "p50": float(total["50%"]),
        "p95": float(total["95%"]),
    }


def find_target(throughput: dict[int, float]) -> int:
    """Return the lowest level that has nearly the best throughput."""
    best = max(throughput.values())
    return min(users for users, rps in throughput.items() if rps >= ENOUGH * best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--levels", default="1,2,4,8,16,32")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--user", default="JpegUser", help="FaceUser: a predictor alone")
    arguments, more = parser.parse_known_args()
    measure(arguments.url, 2, 3, more, arguments.user)  # warm
    throughput = {}
    print("| users | requests/s | p50 ms | p95 ms |\n|---|---|---|---|")
    for users in (int(level) for level in arguments.levels.split(",")):
        found = measure(arguments.url, users, arguments.seconds, more, arguments.user)
        throughput[users] = found["rps"]
        print(f"| {users} | {found['rps']:.1f} | {found['p50']:.0f} | {found['p95']:.0f} |")
    print(f"\ntarget: {find_target(throughput)}")


if __name__ == "__main__":
    main()
