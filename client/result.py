"""What a caller gets: the faces of a picture, which can be drawn and tabulated."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from .faces import Face, ServiceError

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = str | Path | bytes  # a file's path, or what is in it


@dataclass(frozen=True, slots=True)
class Result(Sequence[Face]):
    """The faces of one picture, best-scored first; or `error`, why there is no answer."""

    name: str
    picture: Picture = field(repr=False)
    faces: tuple[Face, ...] = ()
    error: ServiceError | None = None

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

    def draw(self) -> Image:
        """Draw boxes and points onto the picture; raises PictureError, ServiceError."""
        from .overlay import draw_overlay

        return draw_overlay(read_picture(self.picture), list(self.faces))

    def _repr_png_(self) -> bytes | None:
        """Show the drawn picture in a notebook."""
        if self.error is not None:
            return None
        file = io.BytesIO()
        self.draw().save(file, "PNG")
        return file.getvalue()


def read_picture(picture: Picture) -> bytes:
    """Return a picture's bytes, read from its file unless they are there."""
    if isinstance(picture, bytes):
        return picture
    try:
        return Path(picture).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise ServiceError("unreadable", f"{picture}: {reason}.") from None
