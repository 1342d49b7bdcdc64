"""House rules that a program can see: who imports whom, how long files are, where names stand."""

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.processes import ROOT

SERVICES = ("serving", "predictor", "transformer", "standalone.py")
PRODUCTION = (*SERVICES, "client")
GENERATED = ("_pb2.py",)


def list_files(*folders: str) -> list[Path]:
    """List the Python files that git knows, without generated ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = [Path(name) for name in names.split() if name.endswith(".py")]
    return [p for p in paths if not p.name.endswith(GENERATED) and (ROOT / p).is_file()]


def list_imports(path: Path, tree: ast.AST) -> Iterator[str]:
    """Yield the modules of this project that a file imports, wherever it does so."""
    package = path.parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def read_graph(*folders: str) -> dict[str, set[str]]:
    """Return for each module those of the same folders that it imports."""
    names = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
        for path in list_files(*folders)
    }
    graph = {}
    for name, path in names.items():
        found = set(list_imports(path, ast.parse((ROOT / path).read_text())))
        graph[name] = {module for module in found if module in names} - {name}
    return graph


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle, [] where none do."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return way[way.index(module) :]
        if module in done:
            return []
        for other in sorted(graph[module]):
            # A package's face may name its own modules: they don't need it to be loaded.
            if not other.startswith(f"{module}.") and (circle := visit(other, [*way, module])):
                return circle
        done.add(module)
        return []

    return next((circle for module in sorted(graph) if (circle := visit(module, []))), [])


def test_circles_are_found():
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_nothing_imports_in_a_circle():
    assert find_circle(read_graph(*PRODUCTION, "tools", "training", "bench", "loadtest")) == []


@pytest.mark.parametrize(
    "folder, others",
    [
        ("predictor", ("transformer", "standalone", "client")),
        ("transformer", ("predictor", "standalone", "client")),
        ("serving", ("predictor", "transformer", "standalone", "client")),
    ],
)
def test_who_never_imports_whom(folder, others):
    for path in list_files(folder):
        tree = ast.parse((ROOT / path).read_text())
        tops = {module.partition(".")[0] for module in list_imports(path, tree)}
        assert tops.isdisjoint(others), path


def test_files_are_short():
    lengths = {path: (ROOT / path).read_text().count("\n") for path in list_files(".")}
    assert {path: n for path, n in lengths.items() if n > 250} == {}
    ours = [n for path, n in lengths.items() if path.parts[0] in PRODUCTION]
    assert statistics.median(ours) <= 85


def test_the_server_imports_nothing_that_converts():
    """An author's code runs in a process of its own; the server needs no torch."""
    graph = read_graph(*SERVICES)
    for module, found in graph.items():
        if not module.startswith("predictor.convert"):
            assert not [name for name in found if name.startswith("predictor.convert")], module


@pytest.mark.parametrize("name", ["yunet", "centerface"])
def test_a_detector_is_known_to_its_file_and_one_more(name):
    module = f"transformer.detectors.{name}"
    graph = read_graph(*SERVICES)
    assert [other for other, found in graph.items() if module in found] == ["transformer.detectors"]
