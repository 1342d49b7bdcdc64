"""The table of guards fits the source; that their tests fail without them, `make guards` shows."""

import pytest

from tools import guards
from tools.processes import ROOT

GUARDS = guards.read_guards([])


def test_each_guard_has_a_name_of_its_own():
    assert len({guard.name for guard in GUARDS}) == len(GUARDS) > 50


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_it_stands_in_its_file_and_has_a_test(guard):
    guard.remove(ROOT)  # raises, or gives what nobody writes back
    path, _, name = guard.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text()
    assert f"| {guard.name} | `{guard.file}` |" in guards.REPORT.read_text(), "run: make guards"
