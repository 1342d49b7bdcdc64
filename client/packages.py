"""Packages that an extra brings, and errors of any kind that they and the system raise."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from .faces import ServiceError


def load_package(name: str, extra: str) -> Any:
    """Load a package; raises ServiceError that says which extra brings it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        text = f"This needs a package: pip install 'landmarks-client[{extra}]' ({error})."
        raise ServiceError("no_package", text) from None


@contextlib.contextmanager
def tell_errors(code: str, what: str) -> Iterator[None]:
    """Make a ServiceError of whatever is raised."""
    try:
        yield
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ServiceError(code, f"{what}: {reason}.") from None
