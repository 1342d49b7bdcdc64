"""Write docs/performance.md's table of detectors from bench/results/epyc/detectors.csv.

python -m bench.detector.table
"""

from bench.csv_file import read_csv
from bench.machine import RESULTS
from tools.tables import write_page

PAGE, MARK = "docs/performance.md", "detectors: bench.detector.table writes this"
ROWS = ("OpenCV", "OpenVINO fp32 as it was", "ships", "first look 320", "bf16: ships", "back")


def count(row: dict[str, str], ladder: bool) -> str:
    """Count a row's found faces: of the ladder, or of portraits and groups."""
    cells = [v.split(" of ") for k, v in row.items() if " of " in v]
    sets = cells[2:] if ladder else cells[:2]
    found, faces = (sum(int(cell[i]) for cell in sets) for i in (0, 1))
    return f"{found} of {faces}"


def make_table() -> str:
    """Make a Markdown table of the rows that matter to who serves."""
    rows = [row for row in read_csv(RESULTS / "epyc/detectors.csv") if row["lost"]]
    lines = [
        "| | CPU ms, 640x480 | photograph | portraits, groups | ladder | mean IoU with its fp32 "
        "| NME canada, helen |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if not any(word in row["step"] for word in ROWS):
            continue
        nme = ", ".join(f"{100 * float(row[f'{name}_nme']):.2f} %" for name in ("canada", "helen"))
        lines.append(
            f"| {row['detector']}: {row['step']} | {row['cpu_ms_median']} | "
            f"{row['photo_cpu_ms_median']} | {count(row, False)} | {count(row, True)} | "
            f"{row['iou_mean']} | {nme} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_page(PAGE, MARK, make_table())
