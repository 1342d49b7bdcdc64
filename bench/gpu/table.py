"""One table of what a card showed."""

Row = dict


def write_table(found: dict) -> str:
    """Write the findings as Markdown."""
    lines = [f"# The network on {found['card']}", ""]
    if not found["result"]:
        lines += [
            "**A dry run without a card: it shows that the program runs, and is no result.**",
            "",
        ]
    peaks = ", ".join(f"{name} {value}" for name, value in found["peak_tflops"].items())
    lines += [
        f"torch {found['torch']}, CUDA {found['cuda']}; peak of matrix products, TFLOP/s: {peaks}",
        "",
    ]
    lines += [
        "| numerics against eager | farthest px | mean px | scores | heatmaps | |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["numerics"]:
        word = "agrees" if row["agrees"] else "**differs**"
        cells = [row["engine"], row["largest_px"], row["mean_px"], row["largest_score"]]
        lines.append(join([*cells, row["heatmaps"], word]))
    lines += ["", "| technique | batch | ms | faces/s | x eager | share of the peak | peak MiB |"]
    lines += ["|---|---|---|---|---|---|---|"]
    eager = {r["batch"]: r.get("ms") for r in found["speed"] if r["technique"] == "eager fp32"}
    for row in found["speed"]:
        lines.append(
            join([row["technique"], row["batch"], *fill(row, eager, found["peak_tflops"])])
        )
    lines += [
        "",
        "| served by | callers | faces/s | p50 ms | p99 ms | MiB of the card |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["served"]:
        keys = ("engine", "clients", "faces_a_second", "p50_ms", "p99_ms", "card_mib")
        lines.append(join([row["failed"]] if "failed" in row else [row[key] for key in keys]))
    return "\n".join(lines) + "\n"


def fill(row: Row, eager: dict, peaks: dict) -> list:
    """Give a technique's figures, or why there are none."""
    if "failed" in row:
        return [row["failed"], "", "", "", ""]
    bare = eager.get(row["batch"])
    times = round(bare / row["ms"], 2) if bare else ""
    share = round(row["tflops"] / peaks[row["numbers"]], 3)
    return [row["ms"], row["faces_a_second"], times, share, row["peak_mib"]]


def join(cells: list) -> str:
    return "| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |"
