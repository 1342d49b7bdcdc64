"""Write the table of settings of docs/settings.md from the settings themselves.

python -m tools.settings_table
"""

from predictor.settings import PredictorSettings
from serving.settings import ServerSettings
from tools.processes import ROOT
from transformer.settings import TransformerSettings

PAGE, MARK = "docs/settings.md", "settings: tools.settings_table writes this"


def make_table() -> str:
    """Make a Markdown table with a row for each variable."""
    lines = ["| variable | service | default | what it is |", "|---|---|---|---|"]
    shared = set(ServerSettings.model_fields)
    kinds: dict[str, type[ServerSettings]] = {
        "both": ServerSettings,
        "predictor": PredictorSettings,
        "transformer": TransformerSettings,
    }
    for service, kind in kinds.items():
        for name, field in kind.model_fields.items():
            if service != "both" and name in shared:
                continue
            factory = field.default_factory is not None
            default = (
                "the processors" if factory else "" if field.default is None else field.default
            )
            about = " ".join((field.description or "").split())
            lines.append(f"| `LANDMARKS_{name.upper()}` | {service} | {default} | {about} |")
    return "\n".join(lines) + "\n"


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
    write_page(PAGE, MARK, make_table())
