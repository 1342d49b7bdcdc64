"""Decode a JPEG whose pixels are all there, whatever else is odd about it, and no other.

libjpeg warns of much that costs no pixel, and tells of the first warning alone. So a JPEG that it
warns of is rebuilt without all that holds no pixels, and decoded again: what it warns of then
lies in the coded data, where stray bytes may hide that others are missing (`check_complete`).
"""

import contextlib

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pictures import PictureError, PictureFile
from pictures.jpeg import check_scans, read_header, rebuild_jpeg
from pictures.read import decode_upright
from transformer.jpeg_warnings import HARMLESS, find_warning
from transformer.jpeg_whole import check_complete

UNKNOWN_SAMPLING = "Could not determine subsampling"  # of simplejpeg, which knows the usual ones
AREA = cv2.INTER_AREA  # averages: fine detail does not alias


class JpegDecoder:
    """A JPEG file, its header read and nothing decoded. Raises PictureError."""

    def __init__(self, content: bytes):
        self.content = content
        self.header = read_header(content)
        self.strict = True  # until it is known whether the pixels are all there
        self.rare = False  # simplejpeg does not read this kind, but Pillow does

    def decode(self, colours: str, scale: int = 1) -> NDArray[np.uint8]:
        """Decode to pixels `[h,w,C]`, "RGB" or "GRAY", at 1/`scale` (1, 2, 4, 8) of the size.

        Raises PictureError where some are missing.
        """
        if self.strict:
            check_scans(self.content, self.header)
            with contextlib.suppress(ValueError):
                return self.decode_as(self.content, colours, scale, strict=True)
        try:
            if self.strict:
                self.mend()
            return self.decode_as(self.content, colours, scale)
        except ValueError as error:
            raise PictureError(f"The JPEG is broken ({error})") from None

    def mend(self) -> None:
        """Rebuild a JPEG that is not decoded as it is, and see that its pixels are all there."""
        self.content = rebuild_jpeg(self.content, self.header)
        try:
            self.decode_as(self.content, "GRAY", 8, strict=True)
        except ValueError as error:
            self.rare = UNKNOWN_SAMPLING in str(error)
            if not self.rare and find_warning(str(error), HARMLESS) is None:
                raise PictureError(f"The JPEG is broken or only part of one ({error})") from None
            check_complete(self.content, self.header, self.decode_as)
        self.strict = False

    def decode_as(
        self, content: bytes, colours: str, scale: int, strict: bool = False
    ) -> NDArray[np.uint8]:
        """Decode a variant of the file. Raises ValueError with what libjpeg warns of, if strict."""
        height, width = (-(-side // scale) for side in (self.header.height, self.header.width))
        if not self.rare:
            return simplejpeg.decode_jpeg(
                content, colours, min_height=height, min_width=width, strict=strict
            )
        pixels = decode_upright(
            PictureFile("JPEG", self.header.width, self.header.height, 1, content)
        )
        if scale > 1:
            pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=AREA), np.uint8)
        if colours == "GRAY":
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
        return pixels
