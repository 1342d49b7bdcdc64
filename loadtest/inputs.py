"""What the users send: the portrait, a group, a picture of yours, or a folder of them."""

from pathlib import Path

from loadtest.known import PORTRAIT, Known, make_group, make_portrait

KINDS = {".jpg", ".jpeg", ".png", ".webp"}


class InputError(ValueError):
    """A load test that can't begin; the message is one sentence that says why."""


def load_pictures(picture: str, folder: str) -> list[Known]:
    """Load the pictures that single requests carry; raises InputError."""
    if folder:
        return load_folder(Path(folder))
    if Path(picture) == PORTRAIT:
        return [make_portrait()]
    try:
        return [Known(Path(picture).read_bytes())]
    except OSError as error:
        raise InputError(f"--picture {picture} can't be read: {error.strerror}.") from None


def load_folder(folder: Path) -> list[Known]:
    """Load the JPEG, PNG and WebP files of a folder; raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError(f"--pictures {folder} is no folder.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in KINDS)
    if not files:
        raise InputError(f"--pictures {folder} has no JPEG, PNG or WebP file.")
    return [Known(path.read_bytes()) for path in files]


def make_row() -> list[Known]:
    """Make several pictures whose faces lie elsewhere in each, so that none passes for another."""
    return [make_portrait(), make_group(1, 2), make_portrait(400, 400), make_portrait(640, 640)]


def load_group() -> Known:
    """Make a picture of eight faces."""
    return make_group()
