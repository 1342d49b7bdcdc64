"""Bytes of a picture to upright RGB pixels, within limits that hold before decoding."""

import base64
import binascii
import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.errors import InvalidImage, TooLarge

Pixels = NDArray[np.uint8]  # [H, W, 3], RGB

FORMATS = ("JPEG", "PNG", "WEBP")
ACCEPTED = "JPEG, PNG and WebP are accepted"

Image.MAX_IMAGE_PIXELS = None  # our own limit is a setting, and an error instead of a warning


def decode_picture(content: bytes, max_pixels: int) -> Pixels:
    """Decode a picture and turn it upright by its EXIF orientation: `[H,W,3]` RGB.

    Raises InvalidImage, or TooLarge from the header alone.
    """
    if not content:
        raise InvalidImage(f"The picture has 0 bytes; {ACCEPTED}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
                if width * height > max_pixels:
                    raise TooLarge(
                        f"The picture has {width}x{height} pixels; {max_pixels} is the limit."
                    )
                if getattr(image, "n_frames", 1) > 1:
                    image.seek(0)  # of an animation, the first frame
                return to_rgb(ImageOps.exif_transpose(image))
    except TooLarge:
        raise
    except Image.UnidentifiedImageError:
        raise InvalidImage(f"The bytes are no picture that is read here; {ACCEPTED}.") from None
    except Exception:  # Pillow raises a dozen kinds on broken files
        raise InvalidImage(f"The picture is broken or only part of one; {ACCEPTED}.") from None


def to_rgb(image: Image.Image) -> Pixels:
    """Convert any mode to 8-bit RGB; transparent pixels become what is stored under them."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(image.convert("RGB"))


def decode_base64(text: bytes) -> bytes:
    """Undo the base64 in which JSON carries a picture."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidImage(f"In JSON a picture is base64 text; {ACCEPTED}.") from None
