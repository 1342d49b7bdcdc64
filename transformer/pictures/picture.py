"""Picture files to upright pixels, within bounds that hold before they are decoded.

Pillow reads the headers. A JPEG is decoded at a reduced scale, and at a finer one only where that
has too few pixels.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from serving.errors import InvalidImage, TooLarge
from transformer.pictures.decoders import (
    MAX_PARTS,
    MAX_TAGS,
    CountedFile,
    Pixels,
    decode_by_opencv,
    decode_by_pillow,
    decode_jpeg,
    refuse_broken,
)
from transformer.pictures.kinds import ACCEPTED, KINDS, PNG, name_kind

MIN_SIDE = 64  # pixels; a picture that is thinner costs as much as if it had them
ENOUGH = 0.75  # of the pixels that are asked for: 640x480 are as good as 640x640
MAX_EXIF = 2**16  # bytes, as a JPEG has at most: each tag, 12 bytes, is work for Python
MAX_SCANNED = 4_000_000_000  # pixels times scans of a JPEG; some bytes make a scan of any size
FLIPPED_ACROSS, FLIPPED_DOWN = (2, 3, 6, 7), (3, 4, 7, 8)  # EXIF's orientations


@dataclass(slots=True)
class Picture:
    """A picture, upright: `small` is RGB at 1/`scale` of its size, and `decode` gives more."""

    width: int
    height: int
    small: Pixels  # [h, w, 3]
    scale: int = 1  # or 2, 4, 8
    decode: Callable[[int, str], Pixels] | None = None  # at a scale, as "RGB" or "GRAY"
    flipped: tuple[bool, bool] = (False, False)  # across, down: by which it was turned upright

    @staticmethod
    def of_pixels(pixels: Pixels) -> "Picture":
        """Wrap pixels `[H,W,3]` RGB that need no decoding."""
        return Picture(pixels.shape[1], pixels.shape[0], pixels)

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def read(self, scale: int, colours: str = "RGB") -> tuple[Pixels, int]:
        """Return the pixels at 1/`scale` of the size, or finer where there are such, and the scale.

        "RGB" ones `[h,w,3]` stay there; "GRAY" ones may be `[h,w]`. Raises InvalidImage.
        """
        if scale >= self.scale or self.decode is None:
            return self.small, self.scale
        pixels = self.decode(scale, colours)
        if colours == "RGB":
            self.small, self.scale = pixels, scale
        return pixels, scale

    def find_origin(self, scale: int) -> tuple[int, int]:
        """Find where pixels at a scale begin in the picture, x and y: at or before its corner.

        A last one that is only partly of the picture is the first one where it was flipped.
        """
        sides = zip(self.size, self.flipped, strict=True)
        x, y = (side % scale - scale if flipped and side % scale else 0 for side, flipped in sides)
        return x, y


def open_picture(
    content: bytes, max_pixels: int, side: int, scale: int = 0, colours: str = "RGB"
) -> Picture:
    """Decode a picture to three quarters of `side` x `side` pixels or more, if it has them.

    A JPEG is decoded at 1/`scale` of its size instead where that is given, and `small` may be
    `[h,w]` where its colours shall be "GRAY".
    Raises InvalidImage, or TooLarge from the header alone.
    """
    exif = b""
    if content.startswith(PNG):
        content, exif = strip_png(content)
    image = read_header(content)
    check_size(image.width, image.height, max_pixels)
    orientation = read_orientation(exif or image.info.get("exif", b""))
    if isinstance(image, JpegImageFile):
        return open_jpeg(content, image, orientation, side, scale, colours)
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
    name = name_kind(content)
    if name not in KINDS.values():
        raise InvalidImage(f"{name}; {ACCEPTED}.")
    file = CountedFile(content, MAX_TAGS if name == "TIFF" else MAX_PARTS)
    with refuse_broken(name):
        if name == "JPEG":  # and not an MPO, whose index of further pictures may be broken
            return JpegImageFile(file)
        return Image.open(file, formats=list(KINDS))


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
    if orientation in FLIPPED_DOWN:
        pixels = pixels[::-1]
    if orientation in FLIPPED_ACROSS:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def find_scale(fits: Callable[[int], bool]) -> int:
    """Find the coarsest of the scales at which JPEGs are decoded, 1/8 to 1, that fits."""
    return next((scale for scale in (8, 4, 2) if fits(scale)), 1)


def open_jpeg(
    content: bytes, image: JpegImageFile, orientation: int, side: int, scale: int, colours: str
) -> Picture:
    """Decode a JPEG at this scale, 0 being the smallest that leaves enough pixels."""
    check_scans(content, image)
    width, height = image.size
    scale = scale or find_scale(lambda s: width * height >= ENOUGH * (side * s) ** 2)
    if orientation > 4:  # lies on its side
        width, height = height, width

    def decode(scale: int, colours: str) -> Pixels:
        pixels = turn_upright(decode_jpeg(content, image, colours, scale), orientation)
        return pixels if colours == "RGB" else pixels[:, :, 0]

    flipped = orientation in FLIPPED_ACROSS, orientation in FLIPPED_DOWN
    return Picture(width, height, decode(scale, colours), scale, decode, flipped)


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
