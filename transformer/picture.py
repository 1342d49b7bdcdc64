"""Bytes of a picture to upright pixels, within limits that hold before decoding.

A JPEG is decoded at a reduced scale for the detector, and at its own for the crops only
where faces were found, as grey: of a photograph of 12 megapixels the two take half the
time of one decoding in colour.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from pictures import PictureError, PictureFile, open_file
from pictures.read import Pixels, decode_upright, find_kind
from pictures.upright import turn_upright
from serving.errors import InvalidImage, TooLarge
from transformer.jpeg import JpegDecoder

# The limit of pixels is a setting, and holds before anything is decoded. Pillow's own would be
# another one; it is left alone where the client reads pictures in someone else's process.
Image.MAX_IMAGE_PIXELS = None

ACCEPTED = "JPEG, PNG and WebP are accepted"


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
        if find_kind(content) == "JPEG":
            return open_jpeg(content, max_pixels, side)
        file = open_file(content)
        check_size(file.width, file.height, max_pixels)
        decode = decode_webp if file.kind == "WebP" else decode_upright
        return Picture.of_pixels(decode(file))
    except PictureError as error:
        raise InvalidImage(f"{error}; {ACCEPTED}.") from None


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise TooLarge where the header tells of more pixels than the limit."""
    if width * height > max_pixels:
        raise TooLarge(f"The picture has {width}x{height} pixels; {max_pixels} is the limit.")


def decode_webp(file: PictureFile) -> Pixels:
    """Decode a WebP: `[H,W,3]` RGB. Pillow's way takes thrice the memory and keeps all threads."""
    content = np.frombuffer(file.content, np.uint8)
    try:
        pixels = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.shape != (file.height, file.width, 3):
        raise PictureError("The WebP is broken or only part of one")
    return turn_upright(np.asarray(pixels, np.uint8), file.orientation)


def open_jpeg(content: bytes, max_pixels: int, side: int) -> Picture:
    """Decode a JPEG at the smallest scale that leaves `side` pixels."""
    jpeg = JpegDecoder(content)
    width, height, orientation = jpeg.header.width, jpeg.header.height, jpeg.header.orientation
    check_size(width, height, max_pixels)
    scale = next((s for s in (8, 4, 2) if max(width, height) // s >= side), 1)
    small = turn_upright(jpeg.decode("RGB", scale), orientation)
    if orientation > 4:  # lies on its side
        width, height = height, width

    def decode_full() -> Pixels:
        if scale == 1:
            return small
        try:
            grey = jpeg.decode("GRAY")  # [H, W, 1]
        except PictureError as error:
            raise InvalidImage(f"{error}; {ACCEPTED}.") from None
        return turn_upright(grey[:, :, 0], orientation)

    return Picture(width, height, small, scale, decode_full)
