"""Write the chart's values as the table in its README: python -m k8s.values_table."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "helm/README.md"
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"


def read_values(text: str) -> list[tuple[str, str, str]]:
    """Return (key, default, comment) of every value that has a default of its own."""
    rows: list[tuple[str, str, str]] = []
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := re.match(r" *# ?(.*)$", line):
            comment.append(found[1])
        elif found := re.match(r"( *)([A-Za-z0-9]+):(?: +(.*?))?(?: +# (.*))?$", line):
            indent, name, default, beside = found.groups()
            path = [entry for entry in path if entry[0] < len(indent)] + [(len(indent), name)]
            meaning = beside or " ".join(comment)
            if default or meaning:
                rows.append((".".join(part for _, part in path), default or "", meaning))
            comment = []
        else:
            comment = []
    return rows


def write_table() -> str:
    """Make the Markdown table."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for key, default, comment in read_values((ROOT / "helm/values.yaml").read_text()):
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{key}` | {shown} | {comment.replace('|', '/')} |")
    return "\n".join(lines)


def fill_in(document: str) -> str:
    """Put the table between its two marks."""
    before, rest = document.split(BEGIN)
    return f"{before}{BEGIN}\n{write_table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    DOCUMENT.write_text(fill_in(DOCUMENT.read_text()))
