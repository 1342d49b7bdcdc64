"""One picture, one function: what `Client` does, without a client to keep."""

from .api import DEFAULT_URL, Client
from .faces import Face
from .result import Picture


def locate(
    picture: Picture,
    url: str = DEFAULT_URL,
    model: str = "unet",
    timeout: float = 30.0,
    headers: dict[str, str] | None = None,
) -> list[Face]:
    """Find the faces of a picture over REST: best-scored first, none is an empty list.

    Points are in pixels of the upright picture. Asks once; raises ServiceError.
    """
    with Client(url, model=model, timeout=timeout, headers=headers, retries=0) as client:
        return list(client.locate(picture))


def locate_grpc(
    picture: Picture, address: str = "127.0.0.1:8081", model: str = "unet", timeout: float = 30.0
) -> list[Face]:
    """Find the faces of a picture over gRPC, as `locate` does; needs the extra `grpc`."""
    with Client(grpc=address, model=model, timeout=timeout, retries=0) as client:
        return list(client.locate(picture))
