"""What the points of a model are called: the service says so, and is asked once a landmark set."""

import json
from collections.abc import Callable, Mapping

from .faces import ServiceError

SET_HEADER = "landmarks-set"  # of an answer: the digest of its landmark set
KNOWN: dict[tuple[str, str], list[str]] = {}  # by the model's address and the set's digest


def find_names(address: str, digest: str, points: int, ask: Callable[[], list[str]]) -> list[str]:
    """Return the names of an answer's points, which `ask` reads from the model's configuration.

    Raises ServiceError where they are of another number: the model was just replaced.
    """
    if (address, digest) not in KNOWN:
        names = ask()
        if len(names) != points:
            text = f"{address} answers with {points} points and names {len(names)}: ask it again."
            raise ServiceError("other_landmarks", text)
        KNOWN[address, digest] = names
    return KNOWN[address, digest]


def read_names(parameters: Mapping[str, str]) -> list[str]:
    """Read the names out of a configuration's parameters."""
    try:
        return [str(name) for name in json.loads(parameters["points"])]
    except (KeyError, ValueError, TypeError):
        raise ServiceError("no_names", "The service doesn't say what its points are.") from None
