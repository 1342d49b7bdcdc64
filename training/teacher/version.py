"""The one release of mediapipe that the labels come from."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Later releases carry no model in the package, and other models would need another mapping.csv.
# Its one place is the file that pip reads.
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class TeacherError(ValueError):
    """The teacher cannot run here; the message says why."""


def read_wanted() -> str:
    """Read the release that requirements.txt pins."""
    for line in REQUIREMENTS.read_text().splitlines():
        if line.startswith("mediapipe=="):
            return line.removeprefix("mediapipe==").split()[0]
    raise TeacherError(f"{REQUIREMENTS.name} pins no mediapipe.")


def check_version(found: str | None) -> None:
    """Raise TeacherError unless `found` is the release that mapping.csv was fitted to."""
    wanted = read_wanted()
    if found != wanted:
        has = f"has mediapipe {found}" if found else "has no mediapipe"
        raise TeacherError(
            f"This environment {has}, and the teacher needs {wanted}: "
            "`make teacher` sets up one of its own."
        )


def find_version() -> str | None:
    """Find the installed release of mediapipe, None where there is none."""
    try:
        return version("mediapipe")
    except PackageNotFoundError:
        return None
