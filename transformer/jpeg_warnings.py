"""What libjpeg warns of, and whether a picture that it warns of lacks pixels.

The texts are those of libjpeg-turbo's jerror.h, whose warnings (JWRN_...) these are all. What is
not known to be harmless costs the picture: a new warning, or an error, after which there are no
pixels.
"""

import re

MISSING = {  # pixels are made up, in grey or out of what is next to them
    "HIT_MARKER": "Corrupt JPEG data: premature end of data segment",
    "HUFF_BAD_CODE": "Corrupt JPEG data: bad Huffman code",
    "ARITH_BAD_CODE": "Corrupt JPEG data: bad arithmetic code",
    "MUST_RESYNC": "Corrupt JPEG data: found marker 0x%02x instead of RST%d",
    "JPEG_EOF": "Premature end of JPEG file",
}
HARMLESS = {
    "ADOBE_XFORM": "Unknown Adobe color transform code %d",
    "BOGUS_ICC": "Corrupt JPEG data: bad ICC marker",
    "BOGUS_PROGRESSION": "Inconsistent progression sequence for component %d coefficient %d",
    "EXTRANEOUS_DATA": "Corrupt JPEG data: %u extraneous bytes before marker 0x%02x",
    "JFIF_MAJOR": "Warning: unknown JFIF revision number %d.%02d",
    "NOT_SEQUENTIAL": "Invalid SOS parameters for sequential JPEG",
    "TOO_MUCH_DATA": "Application transferred too many scanlines",  # of encoders
}  # BOGUS_PROGRESSION: scans that are missing were noticed before (pictures.jpeg.check_scans)


def find_warning(text: str, warnings: dict[str, str]) -> str | None:
    """Return the name of the warning that a text of libjpeg is, if it is one of these."""
    for name, form in warnings.items():
        if re.fullmatch(re.sub(r"%(02)?[dux]", "[0-9a-f]+", form), text):
            return name
    return None
