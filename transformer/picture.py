"""Bytes of a picture to upright pixels, within limits that hold before decoding.

A JPEG is decoded at a reduced scale for the detector, and at its own for the crops only
where faces were found, as grey: of a photograph of 12 megapixels the two take half the
time of one decoding in colour.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from serving.errors import InvalidImage, TooLarge
from transformer.upright import read_orientation, turn_upright

Pixels = NDArray[np.uint8]  # [H, W, 3] RGB, or [H, W] grey

FORMATS = ("JPEG", "PNG", "WEBP")
ACCEPTED = "JPEG, PNG and WebP are accepted"
MAX_SCANS = 100  # of a progressive JPEG; cameras and encoders write 10, bombs thousands
SCAN = b"\xff\xda"

Image.MAX_IMAGE_PIXELS = None  # our own limit is a setting, and an error instead of a warning


@dataclass(slots=True)
class Picture:
    """A picture, upright: `small` is RGB at 1/`scale` of its size, for the detector."""

    width: int
    height: int
    small: Pixels  # [h, w, 3]
    scale: int  # 1, 2, 4 or 8
    decode_full: Callable[[], Pixels]

    @staticmethod
    def of_pixels(pixels: Pixels) -> "Picture":
        """Wrap pixels `[H,W,3]` RGB that need no decoding."""
        return Picture(pixels.shape[1], pixels.shape[0], pixels, 1, lambda: pixels)


def open_picture(content: bytes, max_pixels: int, side: int) -> Picture:
    """Decode a picture so far that its long side has at least `side` pixels, if it has them.

    Raises InvalidImage, or TooLarge from the header alone. So does its `decode_full`,
    which gives the pixels at full size, `[H,W,3]` RGB or `[H,W]` grey.
    """
    if not content:
        raise InvalidImage(f"The picture has 0 bytes; {ACCEPTED}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                check_size(image, max_pixels)
                check_scans(image, content)
                if image.format == "JPEG" and image.mode in ("L", "RGB"):
                    return open_jpeg(content, image, side)
                return Picture.of_pixels(decode_other(image))
    except (InvalidImage, TooLarge):
        raise
    except Image.UnidentifiedImageError:
        raise InvalidImage(f"The bytes are no picture that is read here; {ACCEPTED}.") from None
    except Exception:  # Pillow raises a dozen kinds on broken files
        raise InvalidImage(f"The picture is broken or only part of one; {ACCEPTED}.") from None


def check_size(image: Image.Image, max_pixels: int) -> None:
    """Raise TooLarge where the header tells of more pixels than the limit."""
    width, height = image.size
    if width * height > max_pixels:
        raise TooLarge(f"The picture has {width}x{height} pixels; {max_pixels} is the limit.")


def check_scans(image: Image.Image, content: bytes) -> None:
    """Raise InvalidImage where a JPEG, of whatever kind, paints itself over and over again."""
    jpeg = image.format not in ("PNG", "WEBP")
    if jpeg and content.count(SCAN) > MAX_SCANS:  # never part of coded data
        raise InvalidImage(f"The JPEG has more than {MAX_SCANS} scans; {ACCEPTED}.")


def open_jpeg(content: bytes, image: Image.Image, side: int) -> Picture:
    """Decode a JPEG at the smallest scale that leaves `side` pixels."""
    orientation = read_orientation(image)
    width, height = image.size
    scale = next((s for s in (8, 4, 2) if max(width, height) // s >= side), 1)
    small = simplejpeg.decode_jpeg(
        content, min_width=-(-width // scale), min_height=-(-height // scale)
    )
    small = turn_upright(small, orientation)
    if orientation > 4:  # lies on its side
        width, height = height, width

    def decode_full() -> Pixels:
        if scale == 1:
            return small
        try:
            grey = simplejpeg.decode_jpeg(content, colorspace="GRAY")  # [H, W, 1]
        except ValueError:
            raise InvalidImage(f"The picture is broken; {ACCEPTED}.") from None
        return turn_upright(grey[:, :, 0], orientation)

    return Picture(width, height, small, scale, decode_full)


def decode_other(image: Image.Image) -> Pixels:
    """Decode PNG, WebP or a JPEG of a rare kind: `[H,W,3]` RGB."""
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)  # of an animation, the first frame
    orientation = read_orientation(image)
    return turn_upright(to_rgb(image), orientation)


def to_rgb(image: Image.Image) -> Pixels:
    """Convert any mode to 8-bit RGB; transparent pixels become what is stored under them."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGB"))
