"""Picture files to upright pixels, by the libraries that read them, within bounds that hold first.

Pillow reads the headers; simplejpeg decodes JPEGs, at a reduced scale where that is enough, OpenCV
PNG, WebP and BMP, and Pillow what is left. HEIC is read where pi-heif is installed.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import AvifImagePlugin, ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from serving.errors import InvalidImage, ServingError, TooLarge
from transformer.picture_kinds import ACCEPTED, KINDS, PNG, name_kind

Image.MAX_IMAGE_PIXELS = None  # max_pixels is the limit, and holds before anything is decoded
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the workers share the cores
warnings.filterwarnings("ignore", module=r"PIL\.")  # of odd metadata
cv2.utils.logging.setLogLevel(0)  # of broken files, which callers are told of

Pixels = NDArray[np.uint8]  # [H, W, 3] RGB, or [H, W] grey

MIN_SIDE = 64  # pixels; a picture that is thinner costs as much as if it had them
MAX_PARTS = 10_000  # segments, chunks, tags and blocks of metadata: Pillow reads each in Python
MAX_EXIF = 2**18  # bytes
MAX_STRIPS = 50_000  # of a TIFF's pixels
MAX_SCANNED = 4_000_000_000  # pixels times scans of a JPEG; some bytes make a scan of any size
# libjpeg's warnings of pixels that are made up; after its other ones all pixels are there.
LOST = re.compile(
    "Premature end of JPEG|Corrupt JPEG data: (premature end|bad Huffman|bad arith|found marker)"
)
STRIP = 256  # rows that are converted at once


@dataclass(slots=True)
class Picture:
    """A picture, upright: `small` is RGB at 1/`scale` of its size, for the detector."""

    width: int
    height: int
    small: Pixels  # [h, w, 3]
    scale: int  # 1, 2, 4 or 8
    decode_full: Callable[[], Pixels]  # at full size: [H, W, 3] RGB or [H, W] grey

    @staticmethod
    def of_pixels(pixels: Pixels) -> "Picture":
        """Wrap pixels `[H,W,3]` RGB that need no decoding."""
        return Picture(pixels.shape[1], pixels.shape[0], pixels, 1, lambda: pixels)


class CountedFile(io.BytesIO):
    """A file that may be read `left` more times, as a header of a million parts takes minutes."""

    left = MAX_PARTS

    def read(self, size: int | None = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise InvalidImage("The picture's metadata have too many parts; save it without them.")
        return super().read(size)


def open_picture(content: bytes, max_pixels: int, side: int) -> Picture:
    """Decode a picture so far that its long side has at least `side` pixels, if it has them.

    Raises InvalidImage, or TooLarge from the header alone; so may its `decode_full`.
    """
    exif = b""
    if content.startswith(PNG):
        content, exif = strip_png(content)
    image = read_header(content)
    check_size(image.width, image.height, max_pixels)
    orientation = read_orientation(exif or image.info.get("exif", b""))
    if isinstance(image, JpegImageFile):
        return open_jpeg(content, image, orientation, side)
    decode = decode_by_opencv if image.format in ("PNG", "WEBP", "BMP") else decode_by_pillow
    with refuse_broken(KINDS[str(image.format)]):
        return Picture.of_pixels(turn_upright(decode(content, image), orientation))


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise TooLarge where the header tells of more pixels than the limit."""
    if max(width, MIN_SIDE) * max(height, MIN_SIDE) > max_pixels:
        thin = f", with {MIN_SIDE} at least for either side" if min(width, height) < 64 else ""
        raise TooLarge(f"The picture has {width}x{height} pixels; {max_pixels} is the limit{thin}.")


def read_header(content: bytes) -> Image.Image:
    """Open a picture without decoding it. Raises InvalidImage that says what the bytes are."""
    file, name = CountedFile(content), name_kind(content)
    if name not in KINDS.values():
        raise InvalidImage(f"{name}; {ACCEPTED}.")
    with refuse_broken(name):
        if name == "JPEG":  # and not an MPO, whose index of further pictures may be broken
            return JpegImageFile(file)
        return Image.open(file, formats=list(KINDS))


@contextlib.contextmanager
def refuse_broken(name: str) -> Iterator[None]:
    """Raise InvalidImage for whatever a library raises but for want of memory."""
    try:
        yield
    except (ServingError, MemoryError):
        raise
    except Exception as error:  # Pillow raises a dozen kinds on broken files
        reason = "" if isinstance(error, Image.UnidentifiedImageError) else f" ({error})"
        raise InvalidImage(
            f"The {name} is broken, only part of one or of a rare kind{reason};"
            " save it as an ordinary JPEG or PNG."
        ) from None


def read_orientation(exif: bytes) -> int:
    """Read the orientation, 1 to 8, of an EXIF block; none, or one without sense, is upright.

    Pillow's `getexif` and `exif_transpose` would take XMP's word where EXIF has none.
    """
    found = Image.Exif()
    with contextlib.suppress(Exception):
        found.load(exif[:MAX_EXIF])
        orientation = found.get(ExifTags.Base.Orientation)
        if isinstance(orientation, int) and 1 <= orientation <= 8:
            return orientation
    return 1


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn stored pixels `[H,W,...]`; from 5 on they lie on their side, `[W,H,...]` after it."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def open_jpeg(content: bytes, image: JpegImageFile, orientation: int, side: int) -> Picture:
    """Decode a JPEG at the smallest scale that leaves `side` pixels."""
    check_scans(content, image)
    width, height = image.size
    scale = next((s for s in (8, 4, 2) if max(width, height) // s >= side), 1)
    small = turn_upright(decode_jpeg(content, image, "RGB", scale), orientation)
    if orientation > 4:  # lies on its side
        width, height = height, width

    def decode_full() -> Pixels:
        if scale == 1:
            return small
        return turn_upright(decode_jpeg(content, image, "GRAY", 1)[:, :, 0], orientation)

    return Picture(width, height, small, scale, decode_full)


def check_scans(content: bytes, image: JpegImageFile) -> None:
    """Raise InvalidImage for a JPEG of more scans than are any use: each walks all its blocks."""
    assert image.fp is not None
    data = image.fp.tell()  # where the header ended, after its SOS
    first = content.rfind(b"\xff\xda", 0, data)
    if "progressive" not in image.info and content[first + 4] == image.layers:
        return  # this scan has it all, and what follows is not looked at
    scans = 1 + content.count(b"\xff\xda", data)
    if image.width * image.height * scans > MAX_SCANNED:
        size = f"{image.width}x{image.height}"
        raise InvalidImage(f"The JPEG has {scans} scans of {size} pixels; save it with fewer.")


def decode_jpeg(content: bytes, image: JpegImageFile, colours: str, scale: int) -> Pixels:
    """Decode to pixels `[h,w,C]`, "RGB" or "GRAY", at 1/`scale` (1, 2, 4, 8) of the size."""
    width, height = (-(-side // scale) for side in image.size)
    with refuse_broken("JPEG"):
        try:
            return simplejpeg.decode_jpeg(content, colours, min_height=height, min_width=width)
        except ValueError as error:
            if "memory" in str(error):
                raise MemoryError from None
            if LOST.match(str(error)):
                raise InvalidImage(f"The JPEG is broken or only part of one ({error}).") from None
        again = JpegImageFile(io.BytesIO(content))  # reads rare samplings, and warns of nothing
        again.draft("RGB", (width, height))
        if again.size != (width, height):  # hence converted by ten rows at a time
            again = again.resize((width, height), Image.Resampling.BOX)  # type: ignore[assignment]
        pixels = np.asarray(again.convert("L" if colours == "GRAY" else "RGB"))
        return pixels.reshape(height, width, -1)


def strip_png(content: bytes) -> tuple[bytes, bytes]:
    """Keep of a PNG what its pixels need; returns its EXIF beside it.

    Text, profiles and animation are left out: a picture is not refused for what is odd in them.
    """
    kept, exif, at = [PNG], b"", len(PNG)
    for _ in range(MAX_PARTS):
        size, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        first, palette = at == len(PNG), content[25:26] == b"\3"  # of the types of colours
        if (kind == b"IHDR" and first) or (kind == b"PLTE" and palette) or kind == b"IDAT":
            kept.append(content[at : at + size + 12])
        elif kind == b"eXIf":
            exif = content[at + 8 : at + 8 + size]
        elif kind in (b"IEND", b""):
            return b"".join([*kept, b"\0\0\0\0IEND\xae\x42\x60\x82"]), exif
        at += size + 12
    raise InvalidImage(f"The PNG has more than {MAX_PARTS} chunks.")


def decode_by_opencv(content: bytes, image: Image.Image) -> Pixels:
    """Decode a picture to `[H,W,3]` RGB; Pillow takes thrice the memory."""
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None:
        np.empty((3, *image.size, 4), np.uint8)  # raises MemoryError, where OpenCV hides one
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        raise ValueError("its pixels can't be decoded")
    return np.asarray(pixels, np.uint8)


def decode_by_pillow(_: bytes, image: Image.Image) -> Pixels:
    """Decode a picture, of an animation the first frame, to `[H,W,3]` RGB of 8 bits."""
    image.info.pop("xmp", None)  # or a TIFF would turn as it says
    if isinstance(image, TiffImageFile) and isinstance(image.fp, CountedFile):
        image.fp.left = MAX_STRIPS
    image.load()
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):  # the whole of it, twice, would take much memory
        bottom = min(top + STRIP, image.height)
        strip = image.crop((0, top, image.width, bottom))
        if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
            pixels[top:bottom] = (np.asarray(strip) >> 8).clip(0, 255)[:, :, None]
        else:
            pixels[top:bottom] = np.asarray(strip.convert("RGB"))
    return pixels
