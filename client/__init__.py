"""Ask a landmarks service for the faces in pictures.

from landmarks_client import Client
faces = Client("http://127.0.0.1:8080").locate("photo.jpg")
"""

from .api import Client
from .faces import Face, Point, ServiceError
from .locate import locate, locate_grpc
from .result import Result
from .tables import to_dataframe

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Face",
    "Point",
    "Result",
    "ServiceError",
    "locate",
    "locate_grpc",
    "to_dataframe",
]
