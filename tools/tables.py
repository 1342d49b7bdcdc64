"""Write the tables of docs/ and of the chart from what they show: python -m tools.tables."""

import csv
import re
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import REGISTRY

from predictor.settings import PredictorSettings
from serving.rest.openapi import DESCRIPTION
from serving.settings import ServerSettings
from serving.telemetry import metrics
from tools.processes import ROOT
from transformer.settings import TransformerSettings

LEDGER = ROOT / "bench/results/xeon-amx/ledger.csv"


class Table(NamedTuple):
    """A table of a page, between `<!-- NAME: tools.tables writes this -->` and `<!-- end -->`."""

    page: str
    name: str
    head: str  # columns between |
    make_rows: Callable[[], list[list[str]]]

    def fill_in(self, text: str) -> str:
        """Put the table into the page's text."""
        begin, end = f"<!-- {self.name}: tools.tables writes this -->\n", "<!-- end -->"
        head, rest = text.split(begin)
        columns = self.head.split("|")
        lines = [f"| {' | '.join(row)} |\n" for row in (columns, *self.make_rows())]
        lines.insert(1, "|---" * len(columns) + "|\n")
        return head + begin + "".join(lines) + end + rest.split(end, 1)[1]


def list_settings() -> list[list[str]]:
    """List each variable once, with the service that reads it."""
    rows, shared = [], set(ServerSettings.model_fields)
    kinds: list[type[ServerSettings]] = [ServerSettings, PredictorSettings, TransformerSettings]
    for service, kind in zip(("both", "predictor", "transformer"), kinds, strict=True):
        for name, field in kind.model_fields.items():
            if service == "both" or name not in shared:
                default = "" if field.default is None else str(field.default)
                default = "the processors" if field.default_factory is not None else default
                about = " ".join((field.description or "").split())
                rows.append([f"`LANDMARKS_{name.upper()}`", service, default, about])
    return rows


def list_metrics() -> list[list[str]]:
    """List each metric of ours."""
    rows = []
    for metric in vars(metrics).values():
        if getattr(metric, "_type", None) is None or metric not in REGISTRY._collector_to_names:
            continue
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append([f"`{name}`", family.type, labels, family.documentation])
    return rows


def list_routes() -> list[list[str]]:
    """List each route of the OpenAPI description."""
    return [
        [f"`{method.upper()} {path}`", operation["summary"]]
        for path, methods in DESCRIPTION["paths"].items()
        if "{version}" not in path
        for method, operation in methods.items()
    ]


def list_engines() -> list[list[str]]:
    """List each technique of the shipped networks in the ledger, with its best batch's speed."""
    best: dict[tuple[str, ...], float] = {}
    alone = {}
    for row in csv.DictReader(LEDGER.open()):
        key = row["network"], row["technique"], row["engine"]  # of two chains a step has one name
        best[key] = max(best.get(key, 0), float(row["images_per_s"]))
        if row["batch"] == "1" and row["network"] in ("width 32", "student"):
            ms, canada = float(row["ms_median"]), 100 * float(row["canada_nme"])
            last = [row["peak_mb"], row["load_s"], f"{canada:.2f} %"]
            alone[key] = [row["technique"], f"{ms:.1f}", row["x_eager"]], last
    return [[*first, f"{best[key]:.0f}", *last] for key, (first, last) in alone.items()]


def list_values() -> list[list[str]]:
    """List each of the chart's values that has a default or a comment."""
    rows, path, comment = list[list[str]](), list[tuple[int, str]](), list[str]()
    for line in (ROOT / "helm/values.yaml").read_text().splitlines():
        if found := re.match(r" *# ?(.*)$", line):
            comment.append(found[1])
            continue
        if found := re.match(r"( *)([A-Za-z0-9]+):(?: +(.*?))?(?: +# (.*))?$", line):
            indent, name, default, beside = found.groups()
            path = [entry for entry in path if entry[0] < len(indent)] + [(len(indent), name)]
            meaning = (beside or " ".join(comment)).replace("|", "/")
            if default or meaning:
                key = ".".join(part for _, part in path)
                rows.append([f"`{key}`", f"`{default}`" if default else "", meaning])
        comment = []
    return rows


ENGINES = "technique|ms a face|x eager|faces/s, best batch|peak MB|load s|canada"
SETTINGS, METRICS = "variable|service|default|what it is", "metric|kind|labels|what it is"
TABLES = (
    Table("docs/settings.md", "settings", SETTINGS, list_settings),
    Table("docs/operations.md", "metrics", METRICS, list_metrics),
    Table("docs/api.md", "routes", "route|what it is", list_routes),
    Table("docs/performance.md", "ledger", ENGINES, list_engines),
    Table("helm/README.md", "values", "value|default|meaning", list_values),
)

if __name__ == "__main__":
    for table in TABLES:
        page = ROOT / table.page
        page.write_text(table.fill_in(page.read_text()))
