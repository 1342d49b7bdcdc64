"""The client: a picture's faces as a library function or on the command line.

from client import locate
faces = locate("photo.jpg", url="http://127.0.0.1:8080")
"""

from client.faces import Face, Point, ServiceError
from client.locate import locate, locate_grpc

__all__ = ["Face", "Point", "ServiceError", "locate", "locate_grpc"]
