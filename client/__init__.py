"""Ask a landmarks service for the faces in pictures.

from landmarks_client import Client
faces = Client("http://127.0.0.1:8080").locate("photo.jpg")
"""

from .api import Client, locate
from .faces import Face, Point, Result, ServiceError
from .follow import Follower
from .output import to_dataframe

__version__ = "0.3.0"

__all__ = [
    "Client",
    "Face",
    "Follower",
    "Point",
    "Result",
    "ServiceError",
    "locate",
    "to_dataframe",
]
