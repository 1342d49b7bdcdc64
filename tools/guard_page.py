"""The page of guards, docs/guards.md: written from what was seen, compared with the markers."""

from collections.abc import Iterable
from itertools import groupby

from tools.guard_markers import Guard, GuardError, read_guards
from tools.processes import ROOT

PAGE = ROOT / "docs/guards.md"

HEAD = """# Guards

Each guard against a fault was taken away, and its test then failed (`make guards` does it anew,
in some minutes). The marker `@guards(...)` on a test says what is taken away; this page is
written from the markers and from what was seen.
A rolling restart has two of them: the stop that finishes its gRPC calls, and the call that is
made again. With either one away the other mostly saves all requests, so that its test
(`end_to_end/test_faults test_a_rolling_restart_of_the_predictors_fails_no_request`) has no row.
"""
COLUMNS = """
| guard | file | taken away | left in its place | its test then fails with |
|---|---|---|---|---|
"""


def quote(text: str) -> str:
    """Return a text of some lines as code within a cell of a Markdown table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return f"`{line}`" if line else ""


def start_row(guard: Guard) -> str:
    """Return a guard's row of the page, up to what was seen."""
    cells = [guard.name, quote(guard.file), quote(guard.text), quote(guard.becomes)]
    return f"| {' | '.join(cells)} |"


def read_rows() -> dict[tuple[str, str], str]:
    """Return the page's rows, found by their test's file and by all but what was seen."""
    rows = dict[tuple[str, str], str]()
    path = ""
    for line in PAGE.read_text().splitlines() if PAGE.is_file() else []:
        if line.startswith("## "):
            path = line.removeprefix("## ")
        elif path and line.startswith("| ") and not COLUMNS.startswith(f"\n{line}"):
            start, _, seen = line.removesuffix(" |").rpartition(" | ")
            rows[path, f"{start} |"] = seen
    return rows


def write_page(guards: Iterable[Guard], seen: dict[Guard, str]) -> None:
    """Write what was seen into the page; rows of guards that were not tried now stay."""
    rows, text = read_rows(), HEAD
    for path, group in groupby(guards, key=lambda guard: guard.path):
        text += f"\n## {path}\n{COLUMNS}"
        for guard in group:
            found = seen.get(guard) or rows.get((path, start_row(guard)))
            if found:
                text += f"{start_row(guard)} {found} |\n"
    PAGE.write_text(text)


def check_guards() -> None:
    """Compare the source and the page with the markers; exit with what does not fit."""
    guards, rows, wrong = read_guards([]), read_rows(), list[str]()
    for guard in guards:
        try:
            guard.remove(ROOT)  # returns what nobody writes back
        except GuardError as error:
            wrong.append(str(error))
    told = [(guard.path, start_row(guard)) for guard in guards]
    wrong += [f"two markers say the same: {row}" for row in {t for t in told if told.count(t) > 1}]
    wrong += [f"no row of what was seen: {row}" for row in told if row not in rows]
    wrong += [f"a row without its marker: {row}" for row in rows if row not in told]
    if wrong:
        raise SystemExit("\n".join([*wrong, "Run: python -m tools.guards WORD ..."]))
    print(f"{len(guards)} guards fit their markers")
