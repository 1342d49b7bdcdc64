"""Build the site of the pages: python -m tools.site (`make site`), into out/docs/html.

The pages are laid out as in the checkout, so that a link is right in both.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.processes import ROOT

OUT = ROOT / "out/docs"
CONFIG = ROOT / "mkdocs.yml"
CLIENT = "# The client\n\n::: client.api\n\n::: client.faces\n\n::: client.output.to_dataframe\n"
REFERENCE = {
    "reference/client.md": CLIENT,
    "reference/model.md": "# model.json\n\n::: predictor.declaration\n",
}


def list_pages() -> list[str]:
    """List the pages of mkdocs.yml's nav, in its order."""
    return re.findall(r"^ +- (?:.*: )?(\S+\.md)$", CONFIG.read_text(), re.M)


def read_page(page: str) -> str:
    return REFERENCE.get(page) or (ROOT / page).read_text()


def write_pages(to: Path) -> None:
    """Write the pages, and what they link to that is not a page."""
    for page in list_pages():
        text, target = read_page(page), to / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        for link in re.findall(r"\]\(([^)#:\s]+)", text):
            file = (ROOT / page).parent / link
            if file.is_file() and file.suffix != ".md":
                copy = (target.parent / link).resolve()
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)


def write_llms(html: Path) -> None:
    """Write llms.txt: what this is, and each page with its title, for programs that read."""
    lines = (ROOT / "README.md").read_text().splitlines()
    title, summary = lines[0], " ".join(lines[2 : lines.index("", 2)])
    pages = {page: re.findall("^# (.*)$", read_page(page), re.M)[0] for page in list_pages()}
    rows = "\n".join(f"- [{name}]({page})" for page, name in pages.items())
    (html / "llms.txt").write_text(f"{title}\n\n> {summary}\n\n## Pages\n\n{rows}\n")


def build(python: Path | str = sys.executable) -> None:
    """Build the site by an interpreter's mkdocs; raises CalledProcessError at a warning."""
    shutil.rmtree(OUT, ignore_errors=True)
    write_pages(OUT / "pages")
    command = [python, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", CONFIG]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, cwd=ROOT, check=True, env=quiet)
    shutil.copytree(OUT / "pages", OUT / "html", dirs_exist_ok=True)  # for programs, as they are
    write_llms(OUT / "html")


if __name__ == "__main__":
    build(*sys.argv[1:])
    print("out/docs/html/index.html")
