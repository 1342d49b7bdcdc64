"""Who may list, load and unload models: who has the token, or without one this machine alone."""

import hmac
import ipaddress
from collections.abc import Mapping

from serving.errors import Forbidden, NotFound
from serving.settings import ServerSettings


def check_manager(settings: ServerSettings, address: str, headers: Mapping[str, str]) -> None:
    """Raise Forbidden unless a caller of this address, with these headers, may manage models.

    Raises NotFound where nobody may. A web page cannot: browsers name its Origin, and a Host that
    was made to lead here.
    """
    if not settings.repository_api:
        raise NotFound("The repository is closed; LANDMARKS_REPOSITORY_API=true opens it.")
    if token := settings.repository_token:
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Forbidden("The repository needs 'Authorization: Bearer' with its token.")
        return
    host = headers.get("host", "localhost").rpartition(":")[0] or headers.get("host", "localhost")
    if "origin" in headers or not is_loopback(address) or not is_loopback(host):
        raise Forbidden(
            "The repository is open to this machine alone; LANDMARKS_REPOSITORY_TOKEN opens it."
        )


def is_loopback(host: str) -> bool:
    """Check whether a name or address, an IPv6 one in brackets or not, is this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    # A socket for both families names IPv4 callers ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
