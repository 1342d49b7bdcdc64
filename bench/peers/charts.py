"""The charts of PEERS.md: speed over callers, and the cost of a face as requests grow."""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.peers.medians import FACES, find_cell, find_levels
from bench.peers.table import Server

matplotlib.rcParams["svg.hashsalt"] = "landmarks"  # the same picture of the same figures
Rounds = dict[str, list[dict]]


def draw_speed(servers: list[Server], rounds: Rounds, workload: str, path: Path) -> None:
    """Draw requests a second and p99 over callers, a line a server."""
    figure = Figure(figsize=(10, 3.8))
    speed, tail = figure.subplots(1, 2)
    levels = find_levels(rounds, workload)
    for server in servers:
        cells = [(int(n), find_cell(rounds[server.name], workload, n)) for n in levels]
        known = [(level, cell) for level, cell in cells if cell]
        if not known:
            continue
        callers = [level for level, _ in known]
        style = style_of(server)
        speed.plot(callers, [c.per_second for _, c in known], "o-", label=server.title, **style)
        tail.plot(callers, [c.p99 for _, c in known], "o-", **style)
    finish(speed, "requests a second", levels)
    finish(tail, "p99, ms", levels)
    speed.set_ylim(bottom=0)
    tail.set_yscale("log")
    figure.legend(loc="outside right center", fontsize=8)
    save(figure, path)


def draw_cost(servers: list[Server], rounds: Rounds, path: Path) -> None:
    """Draw the processor time of a face by how many come at once, in which way."""
    figure = Figure(figsize=(10, 3.8))
    axes = figure.subplots(1, 1)
    bars = [("picture", level) for level in find_levels(rounds, "picture")]
    bars += [(work, level) for work in ("group", "pictures") for level in find_levels(rounds, work)]
    width = 0.8 / max(1, len(servers))
    for number, server in enumerate(servers):
        cells = [find_cell(rounds[server.name], work, level) for work, level in bars]
        heights = [
            cell.cpu_ms / FACES[work] if cell else 0.0
            for cell, (work, _) in zip(cells, bars, strict=True)
        ]
        places = [i + number * width for i in range(len(bars))]
        axes.bar(places, heights, width, label=server.title, color=style_of(server).get("color"))
    names = {"picture": "1 face", "group": "8 faces", "pictures": "16 pictures"}
    labels = [f"{names[work]}\n{level} callers" for work, level in bars]
    axes.set_xticks([i + 0.4 for i in range(len(bars))], labels)
    axes.set_ylabel("CPU ms a face")
    figure.legend(loc="outside right center", fontsize=8)
    save(figure, path)


def style_of(server: Server) -> dict:
    """Give ours a colour and a width that stand out."""
    ours = {"ours": "#c00000", "ours-one": "#e07000", "ours-fast": "#900090"}
    if server.name in ours:
        return {"color": ours[server.name], "linewidth": 2.5}
    return {"linewidth": 1}


def finish(axes: Axes, label: str, levels: list[str]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks([int(level) for level in levels], levels)
    axes.set_xlabel("callers")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)


def save(figure: Figure, path: Path) -> None:
    figure.set_layout_engine("constrained")
    figure.savefig(path, metadata={"Date": None})
