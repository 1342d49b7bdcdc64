"""Read a picture file: what it is, and its pixels as 8-bit RGB, upright.

The service has decoders of its own for JPEG and WebP, which are faster and let other threads run;
PNGs it decodes as the client does all pictures, by `decode_upright`.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import PictureError
from .jpeg import check_scans, read_header, rebuild_jpeg
from .png import read_png
from .upright import turn_upright
from .webp import read_webp

Pixels = NDArray[np.uint8]  # [H, W, 3] RGB, or [H, W] grey

STRIP = 256  # rows that are converted at once


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture file, not decoded: its stored size, and what its decoder has to see of it."""

    kind: str  # JPEG, PNG or WebP
    width: int
    height: int
    orientation: int  # EXIF's, 1 to 8
    content: bytes


def find_kind(content: bytes) -> str:
    """Return the file type by its first bytes; raise PictureError for one that is not read."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG"):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    raise PictureError("The bytes are no picture that is read here")


def open_file(content: bytes) -> PictureFile:
    """Look into a PNG or WebP, or a JPEG that Pillow shall decode. Raises PictureError."""
    kind = find_kind(content)
    if kind == "JPEG":
        header = read_header(content)
        check_scans(content, header)
        rebuilt = rebuild_jpeg(content, header)
        return PictureFile(kind, header.width, header.height, header.orientation, rebuilt)
    return PictureFile(kind, *(read_png(content) if kind == "PNG" else read_webp(content)))


def decode_upright(file: PictureFile) -> Pixels:
    """Decode a picture, of an animation the first frame: `[H,W,3]` RGB. Raises PictureError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            formats = [file.kind.upper()]
            with Image.open(io.BytesIO(file.content), formats=formats) as image:
                if image.size != (file.width, file.height):
                    raise PictureError(f"The {file.kind}'s header is broken")
                image.load()
                return turn_upright(to_rgb(image), file.orientation)
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(f"The {file.kind} has more pixels than Pillow opens here") from None
    except Exception:  # Pillow raises a dozen kinds on broken files
        raise PictureError(f"The {file.kind} is broken or only part of one") from None


def read_rgb(content: bytes) -> Pixels:
    """Read any picture that the service takes: `[H,W,3]`, upright. Raises PictureError."""
    return decode_upright(open_file(content))


def to_rgb(image: Image.Image) -> Pixels:
    """Convert any mode to 8-bit RGB; transparent pixels become what is stored under them."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):  # the whole of it, twice, would take much memory
        bottom = min(top + STRIP, image.height)
        strip = image.crop((0, top, image.width, bottom))
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
            pixels[top:bottom] = (np.asarray(strip) >> 8).clip(0, 255)[:, :, None]
        else:
            pixels[top:bottom] = np.asarray(strip.convert("RGB"))
    return pixels
