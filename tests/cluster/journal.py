"""What was seen: checks that hold or not, numbers, and series over time."""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Check:
    """One thing that has to be so, and what was found."""

    text: str
    passed: bool
    found: str = ""


@dataclass(slots=True)
class ScenarioResult:
    """What one scenario saw."""

    number: int
    title: str
    checks: list[Check] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    series: dict[str, list] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(check.passed for check in self.checks)

    def check(self, text: str, passed: bool, found: object = "") -> None:
        """Note whether something is so; a scenario goes on to see the rest."""
        self.checks.append(Check(text, bool(passed), str(found)))
        print(
            f"  {'ok  ' if passed else 'FAIL'} {text}{f' ({found})' if found != '' else ''}",
            flush=True,
        )

    def number_of(self, text: str, value: object) -> None:
        """Note a measured number."""
        self.numbers[text] = str(value)
        print(f"       {text}: {value}", flush=True)


def write_records(path: Path, records: list[ScenarioResult], setup: dict[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "finished": time.strftime("%Y-%m-%d"),
        "seconds": setup,
        "records": [asdict(record) for record in records],
    }
    path.write_text(json.dumps(content, indent=1))
