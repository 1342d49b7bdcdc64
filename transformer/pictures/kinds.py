"""The kinds of picture files: which are read here, and what the others are called."""

import contextlib

PNG = b"\x89PNG\r\n\x1a\n"
NAMES = ("JPEG", "PNG", "WebP", "AVIF", "GIF", "BMP", "TIFF")
KINDS = {name.upper(): name for name in NAMES}  # Pillow's name: ours

with contextlib.suppress(ImportError):
    import pi_heif  # of the extra heic

    pi_heif.register_heif_opener()
    KINDS["HEIF"] = "HEIC"

*_first, _last = KINDS.values()
ACCEPTED = f"{', '.join(_first)} and {_last} are accepted"

MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    PNG: "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\x89PNG": "This was a PNG, and a transfer as text broke it",
    b"\xff\x0a": "This is JPEG XL",
    b"\0\0\0\x0cJXL ": "This is JPEG XL",
    b"\0\0\0\x0cjP  ": "This is JPEG 2000",
    b"\xff\x4f\xff\x51": "This is JPEG 2000",
    b"8BPS": "This is a Photoshop file",
    b"%PDF": "This is a PDF",
    b"<": "This is SVG, HTML or other XML",
    b"\0\0\1\0": "This is an icon (ICO)",
    b"version https://git-lfs": "This is a pointer to a file of Git LFS, not the file",
    b"data:": "This is a data URL; send the bytes themselves",
    b"/9j/": "This is base64 text; send the bytes themselves",
    b"iVBOR": "This is base64 text; send the bytes themselves",
}
HEIC = "This is HEIC: export it as JPEG, or install pi-heif where the service runs"
BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "This is a camera's raw file"}
BRANDS |= dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), HEIC)


def name_kind(content: bytes) -> str:
    """Name what a file is by its first bytes: a name of KINDS, or a clause on what else it is."""
    if not content:
        return "The picture has 0 bytes"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        brands = [content[8:12], *(content[i : i + 4] for i in range(16, 48, 4))]
        named = next((BRANDS[b] for b in brands if b in BRANDS), "This is a video or audio file")
        if "AVIF" in (BRANDS.get(brand) for brand in brands):
            named = "AVIF"  # whose first brand may be the container's, mif1
        return "HEIC" if named == HEIC and "HEIF" in KINDS else named
    start = content[:64].lstrip()
    found = (name for magic, name in MAGIC.items() if content.startswith(magic))
    text = (name for magic, name in MAGIC.items() if start.startswith(magic))
    return next(found, next(text, "The bytes are not a picture"))
