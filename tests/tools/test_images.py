"""What the services import is in their images, so that figures are of what ships."""

import ast
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from predictor.engines.artifact import CLASSES
from tools.processes import ROOT

# Engines that the CPU image of the predictor has not, and what only makes artifacts.
OPTIONAL = {"transformer": set[str](), "predictor": {"torch", "onnxruntime", "onnx", "nncf"}}
OURS = ("serving", "transformer", "predictor")


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(name: str) -> dict[str, str]:
    """Read a file of requirements/: each package's version."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[.*\])?==(\S+)", text, re.M))


def list_imports(node: ast.AST, lazy: bool = True, folder: str = "") -> Iterator[str]:
    """List the modules that a module's code imports; without `lazy`, when it is imported.

    `folder` is the package that `from .` means: none of ours climbs higher.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        elif isinstance(child, ast.ImportFrom):
            assert child.level < 2
            module = ".".join(filter(None, (folder if child.level else "", child.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in child.names)
        elif lazy or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from list_imports(child, lazy, folder)


def find_module(name: str) -> Path | None:
    path = ROOT / name.replace(".", "/")
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def reach_modules(service: str, lazy: bool) -> dict[str, list[str]]:
    """Follow our own imports from what starts a service: each module and what it imports."""
    left = [f"{service}.__main__", f"{service}.model", "serving.server"]
    if service == "predictor" and lazy:  # what the table of engines imports by name
        left += [place.partition(":")[0] for place in CLASSES.values()]
    reached: dict[str, list[str]] = {}
    while left:
        name = left.pop()
        path = find_module(name)
        if path is None or name in reached:
            continue
        folder = name if path.name == "__init__.py" else name.rpartition(".")[0]
        reached[name] = sorted(set(list_imports(ast.parse(path.read_text()), lazy, folder)))
        left += [i for i in reached[name] if i.split(".")[0] in OURS]
    return reached


@pytest.mark.parametrize("service", OPTIONAL)
def test_what_a_service_imports_is_in_its_image(service):
    there = set(read_requirements(service))
    brings = metadata.packages_distributions()
    modules = reach_modules(service, lazy=True)
    assert len(modules) > 25
    missing = {
        f"{name}: {top}"
        for name, imports in modules.items()
        for top in {i.split(".")[0] for i in imports} - OPTIONAL[service] - set(OURS)
        if top in brings and not {normalise(package) for package in brings[top]} & there
    }
    assert not missing


@pytest.mark.parametrize("service", OPTIONAL)
def test_a_service_starts_without_what_its_image_lacks(service):
    """Nothing that is imported at start, at whatever distance, imports an optional package."""
    modules = reach_modules(service, lazy=False)
    assert len(modules) > 25
    for name, imports in modules.items():
        assert not {i.split(".")[0] for i in imports} & OPTIONAL["predictor"], name


def test_both_images_have_the_same_packages():
    """So that a node has their layers once; the transformer's has what reads pictures on top."""
    predictor, transformer = (read_requirements(name) for name in ("predictor", "transformer"))
    more = {"opencv-python-headless", "pillow", "simplejpeg"}
    assert transformer == predictor | {name: transformer[name] for name in more}
    assert {"requests", "urllib3"} <= set(transformer)  # all that the client needs: make demo
    lines = [
        (ROOT / f"Dockerfile.{image}").read_text().partition("# (until here)")[0].partition("FROM ")
        for image in ("predictor", "transformer")
    ]
    assert lines[0][2] == lines[1][2]


def test_an_image_takes_no_network_that_git_ignores():
    """But for the detector's, which is fetched before the build."""
    ignored = {line for line in (ROOT / ".gitignore").read_text().splitlines() if "models/" in line}
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    wanted = {line.strip("/") for line in ignored} - {"models/detector"}
    assert {line for line in wanted if not line.startswith("models/mesh/")} <= set(left_out)
    assert "models/mesh" in left_out and "!models" in left_out
