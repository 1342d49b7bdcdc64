"""House rules that a program can see: imports, lengths, images; and uv.lock is of pyproject.toml,
requirements/ of uv.lock: `make lock` writes both.
"""

import ast
import re
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import compatible_tags, cpython_tags, platform_tags
from packaging.utils import parse_wheel_filename

from tests.support.environment import run
from tools.processes import ROOT

SERVICES = ("serving", "predictor", "transformer", "standalone.py")
PRODUCTION = (*SERVICES, "client")
PICTURES = ("cv2", "PIL", "simplejpeg")  # what the transformer's image alone has


def list_files(*folders: str) -> list[Path]:
    """List the Python files that git knows, without generated ones."""
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *folders)
    paths = [Path(name) for name in names.split() if name.endswith(".py")]
    return [p for p in paths if not p.name.endswith("_pb2.py") and (ROOT / p).is_file()]


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


@pytest.mark.parametrize(
    "folder, others",
    [
        ("predictor", ("transformer", "standalone", "client", *PICTURES)),
        ("transformer", ("predictor", "standalone", "client")),
        ("serving", ("predictor", "transformer", "standalone", "client", *PICTURES)),
    ],
)
def test_who_never_imports_whom(folder, others):
    for path in list_files(folder):
        tree = ast.parse((ROOT / path).read_text())
        tops = {module.partition(".")[0] for module in list_imports(path, tree)}
        if path.parts[:2] != ("predictor", "convert"):  # which runs where all packages are
            assert tops.isdisjoint(others), path


def test_files_are_short():
    lengths = {path: (ROOT / path).read_text().count("\n") for path in list_files(".")}
    assert {path: n for path, n in lengths.items() if n > 250} == {}
    ours = [n for path, n in lengths.items() if path.parts[0] in PRODUCTION]
    assert statistics.median(ours) <= 85


def read_requirements(name: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[.*\])?==(\S+)", text, re.M))


IN_AN_IMAGE = """
import importlib, re, sys
from importlib import metadata
there, brings = sys.argv[1].split(), metadata.packages_distributions()
class Image:
    def find_spec(self, name, path=None, target=None):
        packages = brings.get(name.partition(".")[0], [])
        known = {re.sub("[-_.]+", "-", package).lower() for package in packages}
        if known and not known & {*there}:
            raise ModuleNotFoundError(f"the image lacks {name}", name=name)
sys.meta_path.insert(0, Image())
for module in sys.argv[2:]:
    importlib.import_module(module)
"""


@pytest.mark.parametrize(
    "image, modules",
    [
        ("predictor", "predictor.__main__ predictor.model predictor.engines.openvino"),
        ("transformer", "transformer.__main__ transformer.detectors.yunet standalone client"),
        # What make runs in this environment.
        ("transformer", "tools.serve tools.demo training.cut training.teacher.__main__"),
    ],
)
def test_a_service_starts_with_the_packages_of_its_image_alone(image, modules):
    """In a process of its own that finds no other package, whoever asks for it."""
    run("python", "-c", IN_AN_IMAGE, " ".join(read_requirements(image)), *modules.split())


def test_both_images_have_the_same_packages():
    """So that a node has their layers once; the transformer's has what reads pictures on top."""
    predictor, transformer = (read_requirements(name) for name in ("predictor", "transformer"))
    more = {"opencv-python-headless", "pillow", "simplejpeg"}
    assert transformer == predictor | {name: transformer[name] for name in more}
    files = [(ROOT / f"Dockerfile.{name}").read_text() for name in ("predictor", "transformer")]
    shared = {text.partition("# (until here)")[0].partition("FROM ")[2] for text in files}
    assert len(shared) == 1


def test_an_image_takes_no_network_that_git_ignores():
    """But for the detector's, which is fetched before the build."""
    ignored = {line for line in (ROOT / ".gitignore").read_text().splitlines() if "models/" in line}
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    wanted = {line.strip("/") for line in ignored} - {"models/detector"}
    assert {line for line in wanted if not line.startswith("models/mesh/")} <= set(left_out)
    assert "models/mesh" in left_out and "!models" in left_out


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
PACKAGES = {(p["name"], p.get("version", "")): p for p in LOCK["package"]}  # some twice: by Python
TAKEN = SpecifierSet(PROJECT["project"]["requires-python"])
FILES = sorted((ROOT / "requirements").glob("*.txt"))


def list_chosen() -> list[Requirement]:
    parts = [PROJECT["project"]["dependencies"]]
    parts += [*PROJECT["project"]["optional-dependencies"].values()]
    parts += [*PROJECT["dependency-groups"].values()]
    return [Requirement(line) for part in parts for line in part if isinstance(line, str)]


def test_the_lock_has_every_choice_and_public_addresses_alone():
    for wanted in list_chosen():
        found = [version for name, version in PACKAGES if name == wanted.name.lower()]
        assert any(map(wanted.specifier.contains, found)), wanted
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_pip_installs_is_what_is_locked(file):
    text = file.read_text()
    assert text.startswith("# make lock writes this")
    entries = re.findall(
        r"^([a-z0-9.-]+)(?:\[.*?\])?==([^ \n]+)(.*(?:\n    --hash.*)*)", text, re.M
    )
    assert len(entries) == len(re.findall("^[a-z]", text, re.M)) > 0
    for name, version, rest in entries:
        package = PACKAGES[name, version]
        files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        hashes = set(re.findall(r"--hash=(\S+)", rest))
        assert hashes == ({f["hash"] for f in files} if file.stem != "convert" else set())


@pytest.mark.parametrize("minor", [n for n in range(30) if TAKEN.contains(f"3.{n}")])
def test_every_package_of_the_services_has_a_wheel_for_each_python_that_is_taken(minor):
    here = [*platform_tags()]
    tags = {*cpython_tags((3, minor), platforms=here), *compatible_tags((3, minor), None, here)}
    lacking = [
        name
        for name, version in read_requirements("transformer").items()
        for files in [[w["url"].rsplit("/", 1)[1] for w in PACKAGES[name, version]["wheels"]]]
        if not any(tags & parse_wheel_filename(file)[3] for file in files)
    ]
    assert not lacking


def test_every_dependency_of_the_services_is_imported_and_every_import_declared():
    run("python", "-m", "deptry", ".")
