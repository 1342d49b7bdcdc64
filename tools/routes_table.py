"""Write the table of routes of docs/api.md from the OpenAPI description's own list.

python -m tools.routes_table
"""

from serving.rest.openapi import OPERATIONS
from tools.settings_table import write_page

PAGE, MARK = "docs/api.md", "routes: tools.routes_table writes this"


def make_table() -> str:
    """Make a Markdown table with a row for each route."""
    lines = ["| route | what it is |", "|---|---|"]
    for operation in OPERATIONS:
        if "{version}" not in operation.path:
            lines.append(f"| `{operation.method.upper()} {operation.path}` | {operation.what} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_page(PAGE, MARK, make_table())
