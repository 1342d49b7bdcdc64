"""Write PEERS.md and its charts from the results: python -m bench.peers.page [RESULTS.json]."""

import json
import sys
from pathlib import Path

from bench.peers import fault_table
from bench.peers.charts import draw_cost, draw_speed
from bench.peers.medians import (
    WORKLOADS,
    Cell,
    find_cell,
    find_levels,
    find_median,
    find_problem,
)
from bench.peers.table import SERVERS, Server

RESULT = Path("bench/peers/results/peers.json")
HEAD = """# Beside what people would use instead

Made by `make peers-setup && make peers PEERS="{words}"` on {date}, commit {commit}, in {minutes:g}
minutes on {cpus} cores of {cpu}; the load average at its end was {load:.1f}.
Medians of {rounds} rounds that go through all servers in turn, {seconds:g} s a cell; callers and
server share the cores. The detector is `{detector}`. Before anything was timed, each
server's first answer to each kind of request was checked against known eyes. CPU and memory
(PSS) are of all processes of a server. **Bold** is the best of a column.

Versions: {versions}.
"""
PARTS = {
    "a": (
        "(a) The serving alone",
        "Everybody runs this project's decode, detector, crop, engine, artifact and decoder; only "
        "the serving is each one's own, with batching on where it has it.",
    ),
    "b": (
        "(b) As a user would write it",
        "`cv2.FaceDetectorYN` and ONNX Runtime fp32 (KServe's samples: eager torch) with the same "
        "weights, against this project as it comes, and in its fast profile: the student and "
        "`LANDMARKS_FIRST_LOOK=320`, whose prices in accuracy and recall docs/performance.md has.",
    ),
}
SPREAD = 0.25


def write_page(result: dict, folder: Path) -> None:
    """Write the page and its charts into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rounds = result["rounds"]
    servers = [server for server in SERVERS if rounds.get(server.name)]
    lines = [write_head(result, servers)]
    if note := result.get("note"):  # put there by hand, where rows are of another run
        lines += [note, ""]
    for part, (title, text) in PARTS.items():
        mine = [server for server in servers if server.part in (part, "both")]
        if not any("cells" in row for server in mine for row in rounds[server.name]):
            continue
        lines += [f"## {title}", "", text, ""]
        for workload in WORKLOADS:
            if find_levels(rounds, workload):
                lines += write_workload(mine, rounds, workload)
        lines += write_start(mine, rounds)
        for workload in ("face", "picture"):
            if find_levels(rounds, workload):
                name = f"{part}-{workload}.svg"
                draw_speed(mine, rounds, workload, folder / name)
                lines += [f"![{WORKLOADS[workload]}, by callers]({name})", ""]
        draw_cost(mine, rounds, folder / f"{part}-cost.svg")
        lines += [f"![Processor time a face, as requests grow]({part}-cost.svg)", ""]
    lines += fault_table.write_faults(servers, result.get("faults", {}))
    (folder / "PEERS.md").write_text("\n".join(lines).rstrip() + "\n")


def write_head(result: dict, servers: list[Server]) -> str:
    machine, plan = result["machine"], result["plan"]
    versions: dict[str, str] = {}
    for server in servers:
        versions |= result["versions"].get(server.name, {})
    done = max((len(rows) for rows in result["rounds"].values()), default=0)
    return HEAD.format(
        **{key: machine[key] for key in ("commit", "cpus", "cpu", "load")},
        **{key: result[key] for key in ("words", "date", "minutes", "detector")},
        seconds=plan["seconds"],
        rounds=done,
        versions=", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
    )


def write_workload(servers: list[Server], rounds: dict[str, list[dict]], workload: str) -> list:
    """Write one table: a row a server, a column a level; the best of each is bold."""
    levels = find_levels(rounds, workload)
    cells = {
        server.name: {level: find_cell(rounds[server.name], workload, level) for level in levels}
        for server in servers
        if workload in server.asks
    }
    if not any(cell for row in cells.values() for cell in row.values()):
        return []
    heads = [f"{level} caller{'s' * (level != '1')}" for level in levels]
    lines = [f"### {WORKLOADS[workload]}", "", "Requests a second, p50 / p99 in ms, CPU ms.", ""]
    lines += [f"| | {' | '.join(heads)} |", "|---" * (1 + len(levels)) + "|"]
    unsteady = []
    for server in servers:
        if server.name not in cells:
            continue
        row = cells[server.name]
        if not any(row.values()):
            said = find_problem(rounds[server.name], workload) or "It was not measured."
            lines.append(f"| {server.title} | {said} |" + " |" * (len(levels) - 1))
            continue
        texts = [
            write_cell(row[level], [other[level] for other in cells.values()]) for level in levels
        ]
        lines.append(f"| {server.title} | {' | '.join(texts)} |")
        unsteady += [
            f"{server.title} at {level}" for level, c in row.items() if c and c.spread > SPREAD
        ]
    lines.append("")
    if unsteady:
        lines += [f"Rounds apart by more than {SPREAD:.0%}: {', '.join(unsteady)}.", ""]
    return lines


def write_cell(cell: Cell | None, column: list[Cell | None]) -> str:
    if cell is None:
        return "-"
    others = [other for other in column if other]
    speed, p99, cpu = f"{cell.per_second:.4g}", f"{cell.p99:.0f}", f"{cell.cpu_ms:.3g}"
    if cell.per_second == max(other.per_second for other in others):
        speed = f"**{speed}**"
    if cell.p99 == min(other.p99 for other in others):
        p99 = f"**{p99}**"
    if cell.cpu_ms == min(other.cpu_ms for other in others):
        cpu = f"**{cpu}**"
    failed = f" ({cell.failed} failed)" if cell.failed else ""
    return f"{speed}, {cell.p50:.0f} / {p99}, {cpu}{failed}"


def write_start(servers: list[Server], rounds: dict[str, list[dict]]) -> list[str]:
    """Write memory and the seconds from the start to the first right answer."""
    lines = ["### Memory and start", ""]
    lines += ["| | PSS MB after faces | and after pictures | seconds to the first right answer |"]
    lines.append("|---|---|---|---|")
    for server in servers:
        rows = rounds[server.name]
        if problem := find_problem(rows):
            lines.append(f"| {server.title} | {problem} | | |")
            continue
        found = [find_median(rows, "pss_mb", name) for name in ("face", "picture")]
        found.append(find_median(rows, "start_s"))
        texts = ["-" if value is None else f"{value:.3g}" for value in found]
        lines.append(f"| {server.title} | {' | '.join(texts)} |")
    return [*lines, ""]


if __name__ == "__main__":
    path = Path(sys.argv[1]) if sys.argv[1:] else RESULT
    write_page(json.loads(path.read_text()), path.parent.parent if path == RESULT else path.parent)
