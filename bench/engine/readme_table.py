"""Write docs/performance.md's table of engines from the ledger.

python -m bench.engine.readme_table
"""

from bench.machine import SHOWN, read_csv
from tools.tables import write_page

PAGE, MARK = "docs/performance.md", "ledger: bench.engine.readme_table writes this"
NETWORKS = ("width 32", "student")


def make_table() -> str:
    """Make a Markdown table with a row for each technique of the shipped networks."""
    lines = [
        "| technique | ms a face | x eager | faces/s, best batch | peak MB | load s | canada |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = [row for row in read_csv(SHOWN / "ledger.csv") if row["network"] in NETWORKS]
    for alone in (row for row in rows if row["batch"] == "1"):
        key = identify(alone)
        best = max(float(row["images_per_s"]) for row in rows if identify(row) == key)
        lines.append(
            f"| {alone['technique']} | {float(alone['ms_median']):.1f} | {alone['x_eager']} "
            f"| {best:.0f} | {alone['peak_mb']} | {alone['load_s']} "
            f"| {100 * float(alone['canada_nme']):.2f} % |"
        )
    return "\n".join(lines) + "\n"


def identify(row: dict[str, str]) -> tuple[str, ...]:
    """What the rows of all batches share; two chains have a step of the same name."""
    return row["network"], row["technique"], row["engine"]


if __name__ == "__main__":
    write_page(PAGE, MARK, make_table())
