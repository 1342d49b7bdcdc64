"""Write the table of metrics of docs/operations.md from the metrics themselves.

python -m tools.metrics_table
"""

from prometheus_client import REGISTRY

from serving.telemetry import metrics
from tools.settings_table import write_page

PAGE, MARK = "docs/operations.md", "metrics: tools.metrics_table writes this"


def make_table() -> str:
    """Make a Markdown table with a row for each metric of ours."""
    lines = ["| metric | kind | labels | what it is |", "|---|---|---|---|"]
    for metric in vars(metrics).values():
        if getattr(metric, "_type", None) is None or metric not in REGISTRY._collector_to_names:
            continue
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_page(PAGE, MARK, make_table())
