"""Write the tables of docs/ from what they show: python -m tools.tables."""

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import REGISTRY

from predictor.settings import PredictorSettings
from serving.rest.openapi import DESCRIPTION
from serving.settings import ServerSettings
from serving.telemetry import metrics
from tools.processes import ROOT
from transformer.settings import TransformerSettings


class Table(NamedTuple):
    """A table of a page, between `<!-- NAME: tools.tables writes this -->` and `<!-- end -->`."""

    page: str
    mark: str
    head: tuple[str, ...]
    make_rows: Callable[[], list[list[str]]]

    def make_table(self) -> str:
        rows = [list(self.head), ["---"] * len(self.head), *self.make_rows()]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("| --- ", "|---")


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


MARK, ABOUT = "{}: tools.tables writes this", "what it is"
SETTINGS, METRICS = ("variable", "service", "default", ABOUT), ("metric", "kind", "labels", ABOUT)
TABLES = (
    Table("docs/settings.md", MARK.format("settings"), SETTINGS, list_settings),
    Table("docs/operations.md", MARK.format("metrics"), METRICS, list_metrics),
    Table("docs/api.md", MARK.format("routes"), ("route", ABOUT), list_routes),
)


def fill_in(text: str, mark: str, table: str) -> str:
    """Put a table between its marks, `<!-- mark -->` and `<!-- end -->`."""
    begin, end = f"<!-- {mark} -->\n", "<!-- end -->"
    head, rest = text.split(begin)
    return head + begin + table + end + rest.split(end, 1)[1]


def write_page(page: str, mark: str, table: str) -> None:
    """Put a table into its page."""
    text = (ROOT / page).read_text()
    (ROOT / page).write_text(fill_in(text, mark, table))


if __name__ == "__main__":
    for table in TABLES:
        write_page(table.page, table.mark, table.make_table())
