"""Write the tables of docs/ from what they show: python -m tools.tables."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import REGISTRY

from predictor.settings import PredictorSettings
from serving.rest.openapi import DESCRIPTION
from serving.settings import ServerSettings
from serving.telemetry import metrics
from tools.processes import ROOT
from transformer.settings import TransformerSettings


@dataclass(frozen=True)
class Table:
    """A table of a page, between `<!-- NAME: tools.tables writes this -->` and `<!-- end -->`."""

    name: str
    page: str
    head: tuple[str, ...]
    make_rows: Callable[[], list[list[str]]]

    @property
    def mark(self) -> str:
        return f"{self.name}: tools.tables writes this"

    def make_table(self) -> str:
        rows = [list(self.head), ["---"] * len(self.head), *self.make_rows()]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("| --- ", "|---")


def list_settings() -> list[list[str]]:
    """List each variable once, with the service that reads it."""
    rows, shared = [], set(ServerSettings.model_fields)
    kinds: dict[str, type[ServerSettings]] = {
        "both": ServerSettings,
        "predictor": PredictorSettings,
        "transformer": TransformerSettings,
    }
    for service, kind in kinds.items():
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


TABLES = (
    Table(
        "settings",
        "docs/settings.md",
        ("variable", "service", "default", "what it is"),
        list_settings,
    ),
    Table(
        "metrics", "docs/operations.md", ("metric", "kind", "labels", "what it is"), list_metrics
    ),
    Table("routes", "docs/api.md", ("route", "what it is"), list_routes),
)


def fill_in(text: str, mark: str, table: str) -> str:
    """Put a table between its marks, `<!-- mark -->` and `<!-- end -->`."""
    begin, end = f"<!-- {mark} -->\n", "<!-- end -->"
    head, rest = text.split(begin)
    return head + begin + table + end + rest.split(end, 1)[1]


def write_page(page: str, mark: str, table: str) -> None:
    """Put a table into its page."""
    path = ROOT / page
    path.write_text(fill_in(path.read_text(), mark, table))


if __name__ == "__main__":
    for table in TABLES:
        write_page(table.page, table.mark, table.make_table())
