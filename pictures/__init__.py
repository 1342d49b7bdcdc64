"""Picture files as they come, for the service and the client: what is in them, and which way is up.

Needs NumPy and Pillow, and nothing of the other folders.
"""

from .errors import PictureError
from .read import PictureFile, open_file, read_rgb

__all__ = ["PictureError", "PictureFile", "open_file", "read_rgb"]
