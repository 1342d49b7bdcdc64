"""What was seen: checks that hold or not, numbers, and series over time."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.cluster.commands import CommandError, Found, wait_until


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

    def wait(
        self, text: str, probe: Callable[[], Found], seconds: float, pause: float = 0.5
    ) -> Found | None:
        """Note whether something comes true in time, and after how long; gives it."""
        begun = time.monotonic()
        try:
            found = wait_until(text, probe, seconds, pause)
        except (TimeoutError, CommandError) as error:
            self.check(text, False, error)
            return None
        self.check(text, True, f"{time.monotonic() - begun:.0f} s")
        return found

    def refuse(self, what: str, change: Callable[[], object], sentence: str) -> None:
        """Note whether a change is refused with a sentence."""
        try:
            change()
        except CommandError as error:
            self.check(f"{what} is refused", sentence in str(error), last_line(error))
        else:
            self.check(f"{what} is refused", False, "it was taken")

    def number_of(self, text: str, value: object) -> None:
        """Note a measured number."""
        self.numbers[text] = str(value)
        print(f"       {text}: {value}", flush=True)


def last_line(error: CommandError) -> str:
    """The sentence in what a command wrote."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if "--debug" not in line]
    return lines[-1].rsplit("): ", 1)[-1].removeprefix("Error: ")[:200]


def write_records(path: Path, records: list[ScenarioResult], setup: dict[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "finished": time.strftime("%Y-%m-%d"),
        "seconds": setup,
        "records": [asdict(record) for record in records],
    }
    path.write_text(json.dumps(content, indent=1))
