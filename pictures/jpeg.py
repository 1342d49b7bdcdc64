"""What a JPEG's header says, whether all its scans are there, and the JPEG without all else."""

from dataclasses import dataclass, field

from .errors import PictureError
from .jpeg_walk import (
    APP0,
    APP1,
    APP14,
    CODED,
    DAC,
    DHT,
    DQT,
    DRI,
    EOI,
    FRAMES,
    LOSSLESS,
    PROGRESSIVE,
    SEQUENTIAL,
    SOS,
    walk_jpeg,
)
from .upright import PREFIX, read_orientation

MAX_SCANS = 100  # of a progressive JPEG; cameras and encoders write 10, bombs thousands
KEPT = (DQT, DHT, DAC, DRI, *FRAMES)  # of the segments, those that decide about pixels
CUT_OFF = "The JPEG is only part of one"
JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"  # version 1.01: any other draws a warning


@dataclass(slots=True)
class JpegHeader:
    """The header of a JPEG, up to its first scan."""

    frame: int = 0  # the marker SOFn
    bits: int = 0  # a sample
    width: int = 0
    height: int = 0
    components: list[tuple[int, int, int]] = field(
        default_factory=list
    )  # name, samples across, down
    jfif: bool = False
    adobe: int | None = None  # which colours Adobe's segment tells of
    exif: bytes = b""
    one_scan: bool = False  # holds all: whatever follows it is not looked at

    @property
    def unit(self) -> tuple[int, int]:
        """Width and height, in pixels, of the least that is coded with all components."""
        return 8 * max(c[1] for c in self.components), 8 * max(c[2] for c in self.components)

    def count_units(self, names: bytes) -> int:
        """Count the units of a scan of these components; restarts are counted in them."""
        across, down = self.unit
        if len(names) == 1:  # blocks of one component, and none of the padding
            _, h, v = next(c for c in self.components if c[0] == names[0])
            across, down = across // h, down // v
        return -(-self.width // across) * -(-self.height // down)

    @property
    def orientation(self) -> int:
        return read_orientation(self.exif)


def read_header(content: bytes) -> JpegHeader:
    """Read a JPEG's header; raises PictureError where it is of no kind that is read here."""
    header, exif = JpegHeader(), []
    for marker, start, end in walk_jpeg(content):
        if marker == SOS:
            break
        if marker == APP0 and content.startswith(b"JFIF\0", start) and end - start >= 14:
            header.jfif = True
        elif marker == APP14 and content.startswith(b"Adobe", start) and end - start >= 12:
            header.adobe = content[start + 11]
        elif marker == APP1 and content.startswith(PREFIX, start):
            exif.append(content[start + len(PREFIX) : end])  # what is long goes into several
        elif marker in FRAMES and not header.frame:
            read_frame(header, marker, content[start:end])
    else:
        raise PictureError(CUT_OFF)
    header.exif = b"".join(exif)
    check_kind(header)
    complete = content[start : start + 1] == bytes([len(header.components)])
    header.one_scan = header.frame in SEQUENTIAL and complete
    return header


def read_frame(header: JpegHeader, marker: int, data: bytes) -> None:
    """Read the segment that begins a frame."""
    if len(data) < 6 or len(data) < 6 + 3 * data[5]:
        raise PictureError("The JPEG's header is broken")
    header.frame, header.bits = marker, data[0]
    header.height, header.width = int.from_bytes(data[1:3]), int.from_bytes(data[3:5])
    for name, sampling in zip(
        data[6 : 6 + 3 * data[5] : 3], data[7 : 6 + 3 * data[5] : 3], strict=True
    ):
        header.components.append((name, sampling >> 4, sampling & 15))


def check_kind(header: JpegHeader) -> None:
    """Raise PictureError for a JPEG that no decoder here reads, with what can be done."""
    again = "save it as an ordinary JPEG of 8 bits"
    if not header.frame:
        raise PictureError("The JPEG has no header")
    if header.frame in LOSSLESS:
        raise PictureError(f"This is a lossless JPEG, which is not read here: {again}, or as PNG")
    if header.frame not in (*SEQUENTIAL, *PROGRESSIVE):
        raise PictureError(f"This is a hierarchical JPEG, which is not read here: {again}")
    if header.bits != 8:
        raise PictureError(f"This is a JPEG of {header.bits} bits, which is not read here: {again}")
    if not header.width or not header.height:
        raise PictureError("The JPEG's header is broken: it has no width or no height")
    if not all(1 <= n <= 4 for _, *sampling in header.components for n in sampling):
        raise PictureError("The JPEG's header is broken: its sampling makes no sense")
    if len(header.components) not in (1, 3, 4):
        raise PictureError(f"The JPEG has {len(header.components)} components, not 1, 3 or 4")


def check_scans(content: bytes, header: JpegHeader) -> None:
    """Raise PictureError where a scan is missing, or where there are more than are any use.

    To be asked before decoding, as each scan makes the decoder walk all blocks once more.
    """
    if header.one_scan:
        return
    scans, ended = 0, False
    bits: dict[tuple[int, int], int] = {}  # coefficients that are there, down to which bit
    for marker, start, end in walk_jpeg(content):
        ended = marker == EOI
        if marker != SOS:
            continue
        scans += 1
        if scans > MAX_SCANS:
            raise PictureError(f"The JPEG has more than {MAX_SCANS} scans")
        data = content[start:end]
        tail = 1 + 2 * data[0] if data else 0
        first, last, exact = data[tail : tail + 3].ljust(3, b"\0")
        if header.frame in SEQUENTIAL:
            first, last, exact = 0, 63, 0
        for name in data[1:tail:2]:
            for k in range(first, min(last, 63) + 1):
                if bits.get((name, k), 0) != exact >> 4:
                    raise PictureError(f"{CUT_OFF}: a scan is missing")
                bits[name, k] = exact & 15
    if not ended:
        raise PictureError(CUT_OFF)
    if any(bits.get((name, k), 1) for name, _, _ in header.components for k in range(64)):
        raise PictureError(f"{CUT_OFF}: a scan is missing")


def rebuild_jpeg(content: bytes, header: JpegHeader) -> bytes:
    """Return the JPEG as its decoder needs it: no metadata, no stray bytes outside coded data.

    What is left to be warned of after that lies in the coded data.
    """
    parts: list[bytes | memoryview] = [b"\xff\xd8"]
    if header.jfif:
        parts.append(JFIF)
    if header.adobe is not None:
        known = header.adobe if header.adobe < 3 else (1 if len(header.components) == 3 else 2)
        parts.append(b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([known]))
    for marker, start, end in walk_jpeg(content):
        if marker == CODED:
            parts.append(memoryview(content)[start:end])
            if header.one_scan and end == len(content):
                raise PictureError(CUT_OFF)
            if header.one_scan:
                break
            continue
        data = content[start:end]
        if marker == SOS and header.frame in SEQUENTIAL and data:
            data = data[: 1 + 2 * data[0]] + b"\0\x3f\0"  # Samsung's phones write 0 0 0
        if marker in KEPT or marker == SOS:
            parts += [b"\xff" + bytes([marker]) + (len(data) + 2).to_bytes(2), data]
    return b"".join([*parts, b"\xff\xd9"])
