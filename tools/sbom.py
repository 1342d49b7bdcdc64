"""What is in the images: `make sbom` writes it as CycloneDX, `make audit` looks for known faults.

Both look into environments that pip makes of the images' own requirements, below out/sbom. The
base image's packages are no part of it: `docker scout` or `syft` list those.
"""

import hashlib
import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from serving.server import RELEASE
from tools.processes import ROOT

OUT = ROOT / "out/sbom"
IMAGES = ("predictor", "transformer")
AWAY = (
    "The database of known faults cannot be reached from here, so nothing was audited;"
    " run `make audit` where pypi.org answers."
)
NO_REGISTRY = "The package registry cannot be reached, or lacks what {file} asks for:\n{said}"


class SbomError(RuntimeError):
    """Something could not be had; the message says what, and what to do."""


def make_environment(name: str) -> Path:
    """Make the environment of requirements/NAME.txt, unless it is there; return its python."""
    file = ROOT / f"requirements/{name}.txt"
    folder = OUT / f"{name}-environment"
    python, stamp = folder / "bin/python", folder / "made-of"
    made_of = hash_requirements(file)
    if stamp.exists() and stamp.read_text() == made_of:
        return python
    print(f"installing {file.relative_to(ROOT)} into {folder.relative_to(ROOT)} ...", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "-r", str(file)], capture_output=True, text=True)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise SbomError(NO_REGISTRY.format(file=file.relative_to(ROOT), said=said))
    if name in IMAGES:  # no image has pip
        uninstall = [str(python), "-m", "pip", "uninstall", "--yes", "--quiet"]
        subprocess.run([*uninstall, "setuptools", "pip"], check=True, capture_output=True)
    stamp.write_text(made_of)
    return python


def hash_requirements(file: Path) -> str:
    """Hash a requirements file and those that it names."""
    texts = [path.read_bytes() for path in sorted({file, *list_included(file)})]
    return hashlib.sha256(sys.version.encode() + b"\0".join(texts)).hexdigest()


def list_included(file: Path) -> Iterator[Path]:
    for line in file.read_text().splitlines():
        if line.startswith(("-r ", "-c ")):
            included = file.parent / line[3:].strip()
            yield included
            yield from list_included(included)


def write_sbom(image: str) -> Path:
    """Write the image's packages, their licences and hashes as out/landmarks-IMAGE.cdx.json."""
    path = ROOT / f"out/landmarks-{image}.cdx.json"
    tool = make_environment("audit").with_name("cyclonedx-py")
    command = [str(tool), "environment", "--output-reproducible", "--of", "JSON", "-o", str(path)]
    done = subprocess.run(
        [*command, str(make_environment(image))], capture_output=True, text=True, cwd=OUT
    )
    if done.returncode:
        raise SbomError(f"cyclonedx-py failed:\n{done.stderr.strip()[-1000:]}")
    content = json.loads(path.read_text())
    name = f"landmarks-{image}"
    licence = [{"license": {"id": "Apache-2.0"}}]
    content.setdefault("metadata", {})["component"] = {
        "type": "container",
        "bom-ref": name,
        "name": name,
        "version": RELEASE,
        "licenses": licence,
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def audit(image: str) -> list[str]:
    """List the known faults of an image's packages; raises SbomError where nobody can be asked."""
    tool = make_environment("audit").with_name("pip-audit")
    packages = next((make_environment(image).parents[1] / "lib").glob("python*/site-packages"))
    command = [str(tool), "--path", str(packages), "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=OUT)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise SbomError(f"{AWAY}\n{done.stderr.strip()[-300:]}".strip()) from None
    unseen = [package["skip_reason"] for package in found if "skip_reason" in package]
    if len(unseen) == len(found):  # a mirror answers for pypi.org, and knows of no faults
        raise SbomError(f"{AWAY}\n{unseen[0] if unseen else 'There are no packages.'}")
    return [f"{image}: {reason}" for reason in unseen] + [
        f"{image}: {package['name']} {package['version']} has {fault['id']}, "
        f"mended in {', '.join(fault['fix_versions']) or 'no version yet'}"
        for package in found
        for fault in package.get("vulns", [])
    ]


def main(what: str) -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    if what == "sbom":
        for image in IMAGES:
            path = write_sbom(image)
            count = len(json.loads(path.read_text())["components"])
            print(f"{path.relative_to(ROOT)}: {count} packages")
        return 0
    faults = [line for image in IMAGES for line in audit(image)]
    print("\n".join(faults) or "No package of either image has a known fault.")
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1]))
    except SbomError as error:
        raise SystemExit(str(error)) from None
