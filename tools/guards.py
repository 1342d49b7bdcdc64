"""Take each guard against a fault away and see its test fail: python -m tools.guards [WORD ...].

Works on a copy of the checkout: the tests pass there as it is, then one guard at a time is
taken out (the markers of tests/support/guarding.py say how) and its test must fail. What was seen
goes to docs/guards.md. With words, only the guards are tried whose name, test or file has one of
them. With --check nothing is tried: it compares docs/guards.md and the source with the markers.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tools.guard_markers import Guard, GuardError, read_guards
from tools.guard_page import check_guards, write_page
from tools.processes import ROOT

IGNORED = ("models/detector",)  # no part of the repository, but the tests need it
SECONDS = 240.0  # for one test; all of them, unchanged, get three times as long


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
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name, follow_symlinks=False)
    for name in IGNORED:
        (root / name).symlink_to(ROOT / name)


def run_tests(root: Path, tests: list[str], seconds: float) -> list[str]:
    """Run tests of the copy; and return the messages of those that fail.

    Raise GuardError where they could not be run to their end.
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
    failed = {case.get("name") for case in cases if case.find("failure") is not None}
    for case in cases:  # a fixture may find in its log what the test has failed for
        if case.find("error") is not None and case.get("name") not in failed:
            raise GuardError(
                f"{case.get('name')} broke before or after the test:\n{output[-3000:]}"
            )
    if all(case.find("skipped") is not None for case in cases):
        raise GuardError("all of it was skipped")
    failures = [failure for case in cases for failure in case.findall("failure")]
    return [failure.get("message", "") for failure in failures]


def name_failure(message: str) -> str:
    """Return in a word or two how a test failed: the exception, or what was not raised."""
    kind, _, rest = message.partition(":")
    missing = re.match(r"\s*DID NOT RAISE (any of )?(\W*[\w, ]+)", rest)
    if missing:
        return f"{missing[2].strip('( ').replace(', ', ' or ')} not raised"
    if re.fullmatch(r"[\w.]+", kind) and not kind.endswith("AssertionError"):
        return kind.rpartition(".")[2]
    return "assert"


def try_guard(root: Path, guard: Guard) -> str:
    """Run its test without the guard and put the guard back; return how the test failed."""
    path = root / guard.file
    source = path.read_text()
    path.write_text(guard.remove(root))
    try:
        failures = run_tests(root, [guard.test], SECONDS)
    finally:
        path.write_text(source)
    if not failures:
        raise GuardError("NOTHING FAILED")
    return name_failure(failures[0])


def main(words: list[str]) -> None:
    """Try the guards; exit with 1 if a test fails with its guard or passes without."""
    everything = read_guards([])
    guards = read_guards(words) if words else everything
    seen, wrong = dict[Guard, str](), 0
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
                message = seen[guard] = try_guard(root, guard)
                write_page(everything, seen)
            except GuardError as error:
                wrong += 1
                message = f"WRONG: {error}"
            print(f"{guard.name} ({guard.test}): {message}", flush=True)
    print(f"{len(seen)} passed, {wrong} failed")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        check_guards() if sys.argv[1:] == ["--check"] else main(sys.argv[1:])
    except GuardError as problem:
        raise SystemExit(str(problem)) from None
