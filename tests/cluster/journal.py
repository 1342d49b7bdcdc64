"""Run kubectl, helm and k8s/kind.sh, wait for things, and note what was seen."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out/cluster-test"
PICTURE = ROOT / "tests/assets/astronaut.jpg"  # one face, 512x512
CONTEXT = f"kind-{os.environ.get('CLUSTER_NAME', 'landmarks')}"  # as k8s/versions.sh has it
INGRESS = f"127.0.0.1:{os.environ.get('CLUSTER_HTTP_PORT', '8080')}"
Found = TypeVar("Found")


class CommandError(RuntimeError):
    """A command failed; the message has what it wrote."""


def run(*command: str, stdin: str | None = None, timeout: float = 900) -> str:
    """Run a command in the project's root; gives what it wrote. Raises CommandError."""
    done = subprocess.run(
        command, cwd=ROOT, input=stdin, timeout=timeout, text=True, capture_output=True
    )
    if done.returncode:
        raise CommandError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    return run("kubectl", "--context", CONTEXT, *arguments, stdin=stdin)


def helm(*arguments: str) -> str:
    return run("helm", "--kube-context", CONTEXT, *arguments)


def wait_until(what: str, probe: Callable[[], Found], seconds: float, pause: float = 0.5) -> Found:
    """Call the probe until it gives something true, and give that. Raises TimeoutError."""
    latest = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > latest:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return found


@dataclass(slots=True)
class Check:
    text: str
    passed: bool
    found: str = ""


@dataclass(slots=True)
class ScenarioResult:
    number: int
    title: str
    checks: list[Check] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def check(self, text: str, passed: bool, found: object = "") -> None:
        """Note whether something is so; a scenario goes on to see the rest."""
        self.checks.append(Check(text, bool(passed), str(found)))
        more = f" ({found})" if found != "" else ""
        print(f"  {'ok  ' if passed else 'FAIL'} {text}{more}", flush=True)

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
        try:
            change()
        except CommandError as error:
            self.check(f"{what} is refused", sentence in str(error), last_line(error))
        else:
            self.check(f"{what} is refused", False, "it was taken")

    def number_of(self, text: str, value: object) -> None:
        self.numbers[text] = str(value)
        print(f"       {text}: {value}", flush=True)


def last_line(error: CommandError) -> str:
    """The sentence in what a command wrote."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if "--debug" not in line]
    return lines[-1].rsplit("): ", 1)[-1].removeprefix("Error: ")[:200]


def write_records(path: Path, records: list[ScenarioResult], setup: dict[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"finished": time.strftime("%Y-%m-%d"), "seconds": setup}
    path.write_text(json.dumps(content | {"records": [*map(asdict, records)]}, indent=1))
