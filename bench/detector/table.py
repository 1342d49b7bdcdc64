"""Write docs/api.md's table of the levels of `detect` from the figures: bench.detector.table."""

from bench.csv_file import read_csv
from bench.machine import RESULTS
from tools.tables import write_page

PAGE, MARK = "docs/api.md", "levels: bench.detector writes this"
TABLE = RESULTS / "epyc/levels.csv"


def make_table() -> str:
    """Make a Markdown table of what each level finds, in percent of the faces."""
    rows = read_csv(TABLE)
    shares = [column for column in rows[0] if column.endswith(" %")]
    lines = [
        f"| picture, detector | `detect` | {' | '.join(shares)} | CPU ms: crowd, no face |",
        "|---" * (3 + len(shares)) + "|",
    ]
    for row in sorted(rows, key=lambda row: -int(row["picture"].split("x")[0])):
        cells = " | ".join(row[share] for share in shares)
        lines.append(
            f"| {row['picture']}, {row['detector']} | `{row['detect']}` | {cells} "
            f"| {row['cpu_ms_crowd']}, {row['cpu_ms_empty']} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_page(PAGE, MARK, make_table())
