"""Write the table of routes of docs/api.md from the OpenAPI description.

python -m tools.routes_table
"""

from serving.rest.openapi import DESCRIPTION
from tools.settings_table import write_page

PAGE, MARK = "docs/api.md", "routes: tools.routes_table writes this"


def make_table() -> str:
    """Make a Markdown table with a row for each route."""
    lines = ["| route | what it is |", "|---|---|"]
    for path, methods in DESCRIPTION["paths"].items():
        if "{version}" not in path:
            lines += [
                f"| `{m.upper()} {path}` | {each['summary']} |" for m, each in methods.items()
            ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_page(PAGE, MARK, make_table())
