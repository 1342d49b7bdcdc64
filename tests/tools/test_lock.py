"""uv.lock is of pyproject.toml, and requirements/ is of uv.lock: `make lock` writes both."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import compatible_tags, cpython_tags, platform_tags
from packaging.utils import parse_wheel_filename

from tests.support.environment import run
from tests.tools.test_house import read_requirements
from tools.processes import ROOT

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
