"""The libraries that decode: simplejpeg JPEGs, OpenCV PNG, WebP and BMP, Pillow what is left."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import AvifImagePlugin, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from serving.errors import InvalidImage, ServingError

Image.MAX_IMAGE_PIXELS = None  # max_pixels is the limit, and holds before anything is decoded
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the workers share the cores
warnings.filterwarnings("ignore", module=r"PIL\.")  # of odd metadata
cv2.utils.logging.setLogLevel(0)  # of broken files, which callers are told of

Pixels = NDArray[np.uint8]  # [H, W, 3] RGB, or [H, W] grey
MAX_PARTS = 10_000  # segments, chunks, tags and blocks of metadata: Pillow reads each in Python
MAX_TAGS = 500  # of a TIFF: libtiff writes a line to stderr for each that it doesn't know
MAX_STRIPS = 50_000  # of its pixels
# libjpeg's warnings of pixels that are made up; after its other ones all pixels are there.
LOST = re.compile(
    "Premature end of JPEG|Corrupt JPEG data: (premature end|bad Huffman|bad arith|found marker)"
)
MEMORY = 2**28  # bytes, of which decoding takes less: without them no picture is called broken
STRIP = 256  # rows that are converted at once


class CountedFile(io.BytesIO):
    """A file that may be read `left` more times, as a header of a million parts takes minutes."""

    def __init__(self, content: bytes, left: int):
        super().__init__(content)
        self.left = left

    def read(self, size: int | None = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise InvalidImage("The picture's metadata have too many parts; save it without them.")
        return super().read(size)


@contextlib.contextmanager
def refuse_broken(name: str) -> Iterator[None]:
    """Raise InvalidImage for whatever a library raises but for want of memory."""
    try:
        yield
    except (ServingError, MemoryError):
        raise
    except Exception as error:  # Pillow raises a dozen kinds on broken files
        np.empty(MEMORY, np.uint8)  # raises MemoryError where that is why: libraries hide it
        known = not isinstance(error, Image.UnidentifiedImageError)
        reason = f" ({' '.join(str(error).split())})" if known else ""
        raise InvalidImage(
            f"The {name} is broken, only part of one or of a rare kind{reason};"
            " save it as an ordinary JPEG or PNG."
        ) from None


def decode_jpeg(content: bytes, image: JpegImageFile, colours: str, scale: int) -> Pixels:
    """Decode to pixels `[h,w,C]`, "RGB" or "GRAY", at 1/`scale` (1, 2, 4, 8) of the size."""
    width, height = (-(-side // scale) for side in image.size)
    with refuse_broken("JPEG"):
        try:
            return simplejpeg.decode_jpeg(content, colours, min_height=height, min_width=width)
        except ValueError as error:
            if LOST.match(str(error)):
                raise InvalidImage(f"The JPEG is broken or only part of one ({error}).") from None
        again = JpegImageFile(io.BytesIO(content))  # reads rare samplings, and warns of nothing
        again.draft("RGB", (width, height))
        if again.size != (width, height):  # hence converted by ten rows at a time
            again = again.resize((width, height), Image.Resampling.BOX)  # type: ignore[assignment]
        pixels = np.asarray(again.convert("L" if colours == "GRAY" else "RGB"))
        return pixels.reshape(height, width, -1)


def decode_by_opencv(content: bytes, image: Image.Image) -> Pixels:
    """Decode a picture to `[H,W,3]` RGB; Pillow takes thrice the memory."""
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        raise ValueError("its pixels can't be decoded")
    return np.asarray(pixels, np.uint8)


def decode_by_pillow(_: bytes, image: Image.Image) -> Pixels:
    """Decode a picture, of an animation the first frame, to `[H,W,3]` RGB of 8 bits."""
    image.info.pop("xmp", None)  # or a TIFF would turn as it says
    if isinstance(image, TiffImageFile) and isinstance(image.fp, CountedFile):
        image.fp.left = MAX_STRIPS
    image.load()
    if image.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits or signs, and nothing says what is white")
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):  # the whole of it, twice, would take much memory
        bottom = min(top + STRIP, image.height)
        strip = image.crop((0, top, image.width, bottom))
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
            pixels[top:bottom] = (np.asarray(strip) >> 8)[:, :, None]
        else:
            pixels[top:bottom] = np.asarray(strip.convert("RGB"))
    return pixels
