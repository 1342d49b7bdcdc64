"""What the services import is in their images, so that figures are of what ships."""

import ast
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from predictor.engines.artifact import CLASSES
from tools.processes import ROOT

# Engines that the CPU image of the predictor has not, and what only makes artifacts.
OPTIONAL = {"transformer": set[str](), "predictor": {"torch", "onnxruntime", "onnx", "nncf"}}
OURS = ("serving", "transformer", "predictor")


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(path: Path) -> Iterator[Requirement]:
    """Read what a requirements file names, and those that it includes."""
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("-r "):
            yield from read_requirements(path.parent / line[3:])
        elif line and not line.startswith("-"):
            yield Requirement(line)


def list_installed(path: Path) -> set[str]:
    """List the packages that pip installs for a requirements file, those they need included."""
    left, found = list(read_requirements(path)), set[str]()
    seen = set[tuple[str, str]]()
    while left:
        wanted = left.pop()
        for extra in ("", *wanted.extras):
            if (wanted.name, extra) in seen:
                continue
            seen.add((wanted.name, extra))
            found.add(normalise(wanted.name))
            for text in metadata.requires(wanted.name) or []:
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    left.append(needed)
    return found


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
    there = list_installed(ROOT / f"requirements/{service}.txt")
    brings = metadata.packages_distributions()
    modules = reach_modules(service, lazy=True)
    assert len(modules) > 25
    missing = {
        f"{name}: {top}"
        for name, imports in modules.items()
        for top in {i.split(".")[0] for i in imports} - OPTIONAL[service]
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


def test_the_detectors_runtime_is_the_predictors():
    """Both images have the same OpenVINO, and the transformer's has it as a package of its own."""
    pins = [
        {
            str(r)
            for r in read_requirements(ROOT / f"requirements/{name}.txt")
            if r.name == "openvino"
        }
        for name in OPTIONAL
    ]
    assert pins[0] == pins[1] and len(pins[0]) == 1
