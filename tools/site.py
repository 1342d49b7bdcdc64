"""Build the site of the pages: python -m tools.site (`make site`), into out/docs/html.

The pages are laid out as in the checkout, so that a link is right in both.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tools.processes import ROOT

OUT = ROOT / "out/docs"
CONFIG = ROOT / "mkdocs.yml"
REFERENCE = {
    "reference/client.md": (
        "# The client\n\n::: client.api\n\n::: client.faces\n\n::: client.output.to_dataframe\n"
    ),
    "reference/model.md": "# model.json\n\n::: predictor.declaration\n",
}
LINK = re.compile(r"\]\(([^)#:\s]+)")


class Loader(yaml.SafeLoader):
    """mkdocs.yml has tags of mkdocs' own, which are left unread."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def list_pages() -> list[str]:
    """List the pages of mkdocs.yml's nav, in its order."""
    config = yaml.load(CONFIG.read_text(), Loader)
    return [page for part in config["nav"] for page in flatten(part)]


def flatten(part: str | dict | list) -> list[str]:
    if isinstance(part, str):
        return [part]
    parts = part.values() if isinstance(part, dict) else part
    return [page for more in parts for page in flatten(more)]


def copy_pages(to: Path) -> None:
    """Copy the pages and what they link to that is not a page; write the reference's."""
    for page in list_pages():
        target = to / page
        target.parent.mkdir(parents=True, exist_ok=True)
        if page in REFERENCE:
            target.write_text(REFERENCE[page])
            continue
        shutil.copy(ROOT / page, target)
        for link in LINK.findall((ROOT / page).read_text()):
            file = (ROOT / page).parent / link
            if file.is_file() and file.suffix != ".md":
                copy = (target.parent / link).resolve()
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)


def write_llms(html: Path, pages: list[str]) -> None:
    """Write llms.txt: what this is, and each page with its title, for programs that read."""
    lines = (ROOT / "README.md").read_text().splitlines()
    title, summary = lines[0], " ".join(lines[2 : lines.index("", 2)])
    rows = []
    for page in pages:
        text = REFERENCE.get(page) or (ROOT / page).read_text()
        rows.append(f"- [{re.findall('^# (.*)$', text, re.M)[0]}]({page})")
        copy = html / page
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
    body = "\n".join(rows)
    (html / "llms.txt").write_text(f"{title}\n\n> {summary}\n\n## Pages\n\n{body}\n")


def build(python: Path | str = sys.executable) -> None:
    """Build the site by an interpreter's mkdocs; raises CalledProcessError at a warning."""
    shutil.rmtree(OUT, ignore_errors=True)
    copy_pages(OUT / "pages")
    command = [python, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", CONFIG]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, cwd=ROOT, check=True, env=quiet)
    write_llms(OUT / "html", list_pages())


if __name__ == "__main__":
    build(*sys.argv[1:])
    print("out/docs/html/index.html")
