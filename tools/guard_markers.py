"""The guards against faults, as the markers of the tests have them (tests/support/guarding.py)."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.processes import ROOT


class GuardError(RuntimeError):
    """A guard could not be tried, or nothing failed without it; one sentence."""


@dataclass(frozen=True, slots=True)
class Guard:
    """`text` stands once in `file`; `becomes` is what is left of it when the guard is gone."""

    name: str
    file: str
    text: str
    becomes: str
    test: str  # a pytest node id

    def remove(self, root: Path) -> str:
        """Return the file without the guard; raise GuardError unless that is Python."""
        source = (root / self.file).read_text()
        found = source.count(self.text)
        if found != 1:
            raise GuardError(f"{self.name}: its text is in {self.file} {found} times, not once.")
        changed = source.replace(self.text, self.becomes)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise GuardError(
                f"{self.name}: without it {self.file} is no Python: {error}."
            ) from None
        return changed

    @property
    def path(self) -> str:
        """The file of its test."""
        return self.test.partition("::")[0]


class Collector:
    """A plugin of pytest that keeps the guards of the tests that it finds."""

    def __init__(self) -> None:
        self.guards = dict[Guard, None]()  # in order, each once however many cases a test has
        self.broken: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a file could not be read."""
        if report.failed:
            self.broken.append(report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the markers, and raise GuardError where one names a case that is not there."""
        ids = {item.nodeid for item in session.items}
        for item in session.items:
            test = item.nodeid.partition("[")[0]
            for marker in reversed([*item.iter_markers("guards")]):
                told = marker.kwargs
                name = told["name"] or test.partition("::test_")[2].replace("_", " ")
                chosen = f"{test}[{told['case']}]" if told["case"] else test
                if told["case"] and chosen not in ids:
                    self.broken.append(f"{name}: there is no test {chosen}.")
                guard = Guard(name, told["file"], told["text"], told["becomes"], chosen)
                self.guards[guard] = None


def read_guards(words: list[str]) -> list[Guard]:
    """Return the marked tests' guards, all of them or those that one of the words is about."""
    files = [str(p) for p in sorted(ROOT.glob("tests/**/test_*.py")) if "@guards(" in p.read_text()]
    collector = Collector()
    pytest.main(["--collect-only", "-p", "no:terminal", *files], plugins=[collector])
    if collector.broken:
        raise GuardError("\n".join(collector.broken))
    return [
        guard
        for guard in collector.guards
        if not words or any(w in f"{guard.name} {guard.test} {guard.file}" for w in words)
    ]
