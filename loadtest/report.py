"""What locust's own HTML report gets at its end: load, the server's stages, replicas."""

import html
import io
from collections.abc import Sequence
from pathlib import Path

from loadtest.levels import Level
from loadtest.replicas import Replicas
from loadtest.stages import Stages

STYLE = (
    "font-family:sans-serif;max-width:1100px;margin:2em auto;padding:1em;background:#fff;color:#111"
)


def extend_report(
    file: Path, levels: Sequence[Level], stages: Stages, replicas: Replicas | None
) -> None:
    """Put our sections at the end of the report that locust wrote."""
    parts = ["<h2>Latency and throughput against load</h2>"]
    if levels:
        parts += [draw_levels(levels), tabulate_levels(levels)]
    else:
        parts.append("<p>The run was too short to tell.</p>")
    parts.append("<h2>The server's stages beside the client's time</h2>")
    rows = [
        [str(row["stage"]), f"{row['answers']}", *(f"{row[k]:.1f}" for k in ("mean", "p50", "p99"))]
        for row in stages.describe()
    ]
    head = ["stage", "answers", "mean ms", "p50 ms", "p99 ms"]
    parts.append(tabulate(head, rows) if rows else "<p>No answer had Server-Timing.</p>")
    if replicas is not None:
        parts.append("<h2>Replicas</h2>")
        counted = [
            [f"{at:.0f}", ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"]
            for at, counts in replicas.seen
        ]
        parts.append(tabulate(["second", "running pods"], counted))
        parts.append(f"<p>{html.escape(replicas.problem)}</p>" if replicas.problem else "")
    section = f'<section id="landmarks" style="{STYLE}">{"".join(parts)}</section>'
    page, _, end = file.read_text().rpartition("</body>")  # locust's scripts name it too
    file.write_text(f"{page}{section}</body>{end}")


def tabulate_levels(levels: Sequence[Level]) -> str:
    rows = [
        [
            str(level.users),
            f"{level.rps:.1f}",
            *(f"{v:.0f}" for v in (level.p50, level.p95, level.p99)),
        ]
        for level in levels
    ]
    return tabulate(["users", "answers/s", "p50 ms", "p95 ms", "p99 ms"], rows)


def tabulate(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def cells(tag: str, values: Sequence[str]) -> str:
        style = ' style="padding:2px 14px;text-align:right"'
        return "".join(f"<{tag}{style}>{html.escape(value)}</{tag}>" for value in values)

    lines = [f"<tr>{cells('th', head)}</tr>", *(f"<tr>{cells('td', row)}</tr>" for row in rows)]
    return f"<table>{''.join(lines)}</table>"


def draw_levels(levels: Sequence[Level]) -> str:
    """Draw latency and throughput over users as SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2))
    latency, speed = figure.subplots(1, 2)
    ordered = sorted(levels, key=lambda level: level.users)
    users = [level.users for level in ordered]
    for name in ("p50", "p95", "p99"):
        latency.plot(users, [getattr(level, name) for level in ordered], "o-", label=name)
    latency.legend()
    speed.plot(users, [level.rps for level in ordered], "o-")
    for axes, label in ((latency, "ms"), (speed, "answers/s")):
        axes.set_xlabel("users")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
    figure.tight_layout()
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return "<svg" + buffer.getvalue().partition("<svg")[2]
