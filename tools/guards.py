"""Take each guard against a fault away and see its test fail: python -m tools.guards [WORD ...].

Works on a copy of the checkout: the tests pass there as it is, then one guard at a time is
taken out (tests/guards/*.toml say how) and its test must fail. What was seen goes to
docs/guards.md. With words, only the guards whose name or test has one of them are tried.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools.processes import ROOT

TABLES = ROOT / "tests/guards"
REPORT = ROOT / "docs/guards.md"
IGNORED = ("models/detector",)  # no part of the repository, but the tests need it
SECONDS = 240.0  # for one test; all of them, unchanged, get three times as long
LONGEST = 110  # characters of a message in the report

HEAD = """# Guards

Each guard against a fault was taken away, and this is how its test then failed
(`make guards` does it anew, in some minutes; `tests/guards` has the guards' source).
A rolling restart has two of them: the stop that finishes its gRPC calls, and the call that is
made again. With either one away the other mostly saves all requests, so that its test
(`servers/test_faults test_a_rolling_restart_of_the_predictors_fails_no_request`) has no row.

| guard | where | test | without it |
|---|---|---|---|
"""


class GuardError(RuntimeError):
    """A guard could not be tried, or nothing failed without it; one sentence."""


@dataclass(frozen=True, slots=True)
class Guard:
    """`text` stands once in `file`; `without` is what is left of it when the guard is gone."""

    name: str
    file: str
    text: str
    without: str
    test: str  # a pytest node id

    def remove(self, root: Path) -> str:
        """Give the guard's file without it; raises GuardError unless that is Python."""
        source = (root / self.file).read_text()
        found = source.count(self.text)
        if found != 1:
            raise GuardError(f"{self.name}: its text is in {self.file} {found} times, not once.")
        changed = source.replace(self.text, self.without)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise GuardError(
                f"{self.name}: without it {self.file} is no Python: {error}."
            ) from None
        return changed

    def write_row(self, message: str) -> str:
        """Write its row of the report."""
        test = self.test.removeprefix("tests/").replace("::", " ").replace(".py", "")
        return f"| {self.name} | `{self.file}` | `{test}` | {message} |"


def read_guards(words: list[str]) -> list[Guard]:
    """Read the tables: all guards, or those whose name or test has one of the words."""
    tables = [tomllib.loads(path.read_text()) for path in sorted(TABLES.glob("*.toml"))]
    guards = [Guard(**entry) for table in tables for entry in table["guard"]]
    return [g for g in guards if not words or any(w in g.name or w in g.test for w in words)]


def copy_checkout(root: Path) -> None:
    """Copy what git knows, as it is now, and link what the tests need beside it."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for name in IGNORED:
        (root / name).symlink_to(ROOT / name)


def run_tests(root: Path, tests: list[str], seconds: float) -> list[str]:
    """Run tests of the copy; gives the messages of those that fail.

    Raises GuardError where they could not be run to their end.
    """
    report = root / "out/junit.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    process = subprocess.Popen(
        [*command, f"--junitxml={report}"],
        cwd=root,
        # Without .pyc files no change can hide behind an equal size and second.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException as error:
        process.send_signal(signal.SIGINT)  # lets the fixtures stop their services
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
        if isinstance(error, subprocess.TimeoutExpired):
            raise GuardError(f"did not end within {seconds:g} seconds") from None
        raise
    if process.returncode not in (0, 1) or not report.is_file():
        raise GuardError("the tests could not be run:\n" + output[-3000:])
    cases = list(ElementTree.parse(report).iter("testcase"))
    for case in cases:
        if case.find("error") is not None:
            raise GuardError(
                f"{case.get('name')} broke before or after the test:\n{output[-3000:]}"
            )
    if all(case.find("skipped") is not None for case in cases):
        raise GuardError("all of it was skipped")
    failures = [failure for case in cases for failure in case.findall("failure")]
    return [failure.get("message", "") for failure in failures]


def shorten(message: str, root: Path) -> str:
    """Make a failure's message one line of a Markdown table, free of what differs each time."""
    text = " ".join(message.replace(str(root), "").split())
    text = re.sub(r"<([^<>]+) (object )?at 0x[0-9a-f]+>", r"\1", text).replace("|", "/")
    text = text.replace("`", "'").replace("<", "&lt;")
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def try_guard(root: Path, guard: Guard) -> str:
    """Run its test without the guard and put the guard back; gives how the test failed."""
    path = root / guard.file
    source = path.read_text()
    path.write_text(guard.remove(root))
    try:
        failures = run_tests(root, [guard.test], SECONDS)
    finally:
        path.write_text(source)
    if not failures:
        raise GuardError("NOTHING FAILED")
    return shorten(failures[0], root)


def write_report(rows: dict[str, str]) -> None:
    """Write the rows into the report; rows of guards that were not tried now stay."""
    old = REPORT.read_text().splitlines() if REPORT.is_file() else []
    kept = {line[2:].split(" | ")[0]: line for line in old if line.startswith("| ")}
    names = [guard.name for guard in read_guards([])]
    rows = kept | rows
    REPORT.write_text(HEAD + "".join(f"{rows[name]}\n" for name in names if name in rows))


def main(words: list[str]) -> None:
    """Try the guards; exits with 1 if a test fails with its guard or passes without."""
    guards = read_guards(words)
    rows, wrong = dict[str, str](), 0
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        root = Path(folder)
        copy_checkout(root)
        tests = sorted({guard.test for guard in guards})
        failures = run_tests(root, tests, 3 * SECONDS)
        if failures:
            raise SystemExit(f"With all guards in place {len(failures)} fail: {failures[0]}")
        print(f"{len(tests)} tests pass with their guards in place", flush=True)
        for guard in guards:
            try:
                message = try_guard(root, guard)
                rows[guard.name] = guard.write_row(message)
                write_report(rows)
            except GuardError as error:
                wrong += 1
                message = f"WRONG: {error}"
            print(f"{guard.name} ({guard.test}): {message}", flush=True)
    print(f"{len(rows)} passed, {wrong} failed")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main(sys.argv[1:])
    except GuardError as problem:
        raise SystemExit(str(problem)) from None
