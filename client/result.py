"""What a caller gets: the faces of a picture, which can be drawn and tabulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from .faces import Face, ServiceError

Picture = str | Path | bytes  # a file's path, or what is in it


@dataclass(frozen=True, slots=True)
class Result(Sequence[Face]):
    """The faces of one picture, best-scored first; or `error`, why there is no answer."""

    name: str
    picture: Picture = field(repr=False)
    faces: tuple[Face, ...] = ()
    error: ServiceError | None = None
    ask_drawn: Callable[[bytes, str], bytes] | None = field(default=None, repr=False, compare=False)

    @overload
    def __getitem__(self, index: int) -> Face: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Face, ...]: ...
    def __getitem__(self, index: int | slice) -> Face | tuple[Face, ...]:
        return self.faces[index]

    def __len__(self) -> int:
        return len(self.faces)

    def to_dict(self) -> dict[str, Any]:
        return {"picture": self.name, "faces": [face.to_dict() for face in self.faces]}

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame with a row a point; needs pandas."""
        from .tables import to_dataframe

        return to_dataframe([self])

    def draw(self, kind: str = "image/png") -> bytes:
        """Ask the service for the picture with its boxes and points, a file of this media type.

        Raises ServiceError.
        """
        if self.ask_drawn is None:
            raise ServiceError("no_overlay", "Pictures are drawn over REST alone.")
        return self.ask_drawn(read_picture(self.picture), kind)

    def _repr_png_(self) -> bytes | None:
        """Show the drawn picture in a notebook."""
        return self.draw() if self.ask_drawn else None


def read_picture(picture: Picture) -> bytes:
    """Return a picture's bytes, read from its file unless they are there."""
    if isinstance(picture, bytes):
        return picture
    try:
        return Path(picture).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise ServiceError("unreadable", f"{picture}: {reason}.") from None
