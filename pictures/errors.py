"""The one error of this folder."""


class PictureError(Exception):
    """The bytes are no picture that is read here; the message is a sentence without its stop."""
