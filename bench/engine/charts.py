"""Draw the ledger and the roofline: python -m bench.engine.charts."""

import json

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from bench.csv_file import read_csv
from bench.machine import results_folder

matplotlib.rcParams["svg.hashsalt"] = "landmarks"  # the same picture of the same figures
FOLDER = results_folder()
COLOURS = {"openvino": "#888888", "openvino-bf16": "#3b75af", "openvino-int8": "#c44e52"}
ROOFS = {"openvino": "fp32", "openvino-bf16": "bf16", "openvino-int8": "int8"}


def draw_ledger() -> None:
    """One bar a technique and network, batch 1: how many times eager's speed."""
    rows = [r for r in read_csv(FOLDER / "ledger.csv") if r["batch"] == "1"]
    networks = list(dict.fromkeys(r["network"] for r in rows))
    counts = [sum(r["network"] == n for r in rows) for n in networks]
    figure, axes = plt.subplots(
        len(networks),
        1,
        figsize=(9, 0.28 * len(rows) + 2),
        layout="constrained",
        height_ratios=counts,
        squeeze=False,
    )
    for axis, network in zip(axes[:, 0], networks, strict=True):
        mine = [r for r in rows if r["network"] == network][::-1]
        speeds = [float(r["x_eager"]) for r in mine]
        colours = [COLOURS.get(r["engine"], "#cccccc") for r in mine]
        # By place, not by name: two chains have a step of the same name.
        bars = axis.barh(range(len(mine)), speeds, color=colours)
        axis.set_yticks(range(len(mine)), [r["technique"] for r in mine])
        labels = [f"{r['x_eager']}x  {float(r['ms_median']):.2f} ms" for r in mine]
        axis.bar_label(bars, labels, padding=3, fontsize=8)
        axis.set_title(f"{network}, one face, times eager fp32 of the default", fontsize=9)
        axis.margins(x=0.2)
        axis.tick_params(labelsize=8)
    save(figure, "ledger.svg")


def draw_roofline() -> None:
    """One dot a convolution of the width-64 network: operations a byte against speed."""
    roofs = json.loads((FOLDER / "roofs.json").read_text())["roofs"]
    figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
    for engine, colour in COLOURS.items():
        mine = [
            r
            for r in read_csv(FOLDER / "profile.csv")
            if r["engine"] == engine and r["width"] == "64" and float(r["mflop"]) > 0
        ]
        x = [1e3 * float(r["mflop"]) / float(r["kbytes"]) for r in mine]
        y = [float(r["gflop_per_s"]) for r in mine]
        size = [600 * float(r["share_of_time"]) + 4 for r in mine]
        axis.scatter(x, y, size, colour, alpha=0.7, label=f"{engine} (area: share of time)")
        top = roofs[ROOFS[engine]]
        knee = top / roofs["memory"]
        axis.plot([knee / 30, knee, 1e4], [top / 30, top, top], color=colour, lw=1)
    axis.set(xscale="log", yscale="log", xlabel="operations a byte", ylabel="1e9 operations/s")
    axis.set_title("Width 64, one face: each convolution under the measured roofs", fontsize=10)
    axis.legend(fontsize=8)
    save(figure, "roofline.svg")


def save(figure: plt.Figure, name: str) -> None:
    figure.savefig(FOLDER / name, metadata={"Date": None})
    plt.close(figure)
    print(FOLDER / name)


if __name__ == "__main__":
    for draw, needs in ((draw_ledger, "ledger.csv"), (draw_roofline, "profile.csv")):
        if (FOLDER / needs).is_file():
            draw()
