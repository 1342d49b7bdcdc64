"""Locust in the background, against the ingress."""

import csv
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from k8s.clustertest.commands import INGRESS, OUT, PICTURE, ROOT


class Load:
    """Users by steps ("USERS:SECONDS,..."), each sending one request after the other."""

    def __init__(self, name: str, host: str, steps: str, picture: Path = PICTURE, think: float = 0):
        OUT.mkdir(parents=True, exist_ok=True)
        self.prefix = OUT / name
        for left in OUT.glob(f"{name}_*.csv"):  # of an earlier try
            left.unlink()
        self.begun = time.time()
        command = [
            *(sys.executable, "-m", "locust"),
            *("-f", "loadtest/locustfile.py", "--headless", "--only-summary"),
            *("-H", f"http://{INGRESS}", "--host-header", host),
            *("--steps", steps),
            *("--csv", str(self.prefix), "--csv-full-history"),
            *("--think", str(think), "--picture", str(picture), "JpegUser"),
        ]
        self.log = Path(f"{self.prefix}.log")
        with self.log.open("w") as sink:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)

    def __enter__(self) -> "Load":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is not None:
            self.process.terminate()
        self.process.wait(60)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def finish(self, seconds: float = 600) -> None:
        """Wait for the last step's end."""
        self.process.wait(seconds)

    def stop(self) -> None:
        """End it now; its numbers are kept."""
        self.process.terminate()
        self.process.wait(60)

    def rows(self, kind: str) -> list[dict[str, str]]:
        """Read a file of locust's; none while it is still starting."""
        path = Path(f"{self.prefix}_{kind}.csv")
        if not path.exists():
            return []
        with path.open() as file:
            return list(csv.DictReader(file))

    def count(self) -> tuple[int, int]:
        """Requests and failures so far."""
        rows = [row for row in self.rows("stats_history") if row["Name"] == "Aggregated"]
        last = rows[-1] if rows else {"Total Request Count": "0", "Total Failure Count": "0"}
        return int(last["Total Request Count"]), int(last["Total Failure Count"])

    def totals(self) -> tuple[int, int]:
        """Requests and failures."""
        total = next(row for row in self.rows("stats") if row["Name"] == "Aggregated")
        return int(total["Request Count"]), int(total["Failure Count"])

    def reasons(self) -> str:
        """The kinds of failure with their number."""
        return "; ".join(
            f"{row['Occurrences']} x {row['Error'][:400]}" for row in self.rows("failures")
        )

    def history(self) -> list[dict[str, float]]:
        """Users, requests a second and latency, second by second."""
        result = []
        for row in self.rows("stats_history"):
            if row["Name"] == "Aggregated" and row["95%"] != "N/A":
                result.append(
                    {
                        "at": float(row["Timestamp"]),
                        "users": float(row["User Count"]),
                        "rps": float(row["Requests/s"]),
                        "p50": float(row["50%"]),
                        "p95": float(row["95%"]),
                    }
                )
        return result
