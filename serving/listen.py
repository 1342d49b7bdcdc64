"""The addresses on which a server listens, the same for both transports."""

import errno
import socket

MISSING = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # this machine has no such family
LOOPBACK = ("127.0.0.1", "::1")


class ListenError(RuntimeError):
    """A port cannot be had; one sentence."""


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind a port on every address of the host, none being all of IPv4 and IPv6.

    A family that the machine lacks is left out. Raises ListenError.
    """
    opened: list[socket.socket] = []
    problem: OSError | None = None
    try:
        for address in list_addresses(host, port):
            try:
                opened.append(bind(address, opened[0].getsockname()[1] if opened else port))
            except OSError as error:
                problem = error
                if error.errno not in MISSING:
                    raise
        if not opened:
            raise problem or OSError("it has no address")
    except (OSError, OverflowError) as error:
        close_sockets(opened)
        reason = getattr(error, "strerror", None) or str(error)
        raise ListenError(
            f"Port {port} of {host or 'this machine'} cannot be listened on: {reason}."
        ) from None
    return opened


def list_addresses(host: str, port: int) -> list[str]:
    """List the numeric addresses of a host."""
    if not host:
        return ["0.0.0.0", "::"]
    if host == "localhost":  # whatever the hosts file says
        return [*LOOPBACK]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def bind(address: str, port: int) -> socket.socket:
    """Bind a port of one address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address, port))
        opened.listen(2048)
    except BaseException:
        opened.close()
        raise
    return opened


def close_sockets(sockets: list[socket.socket]) -> None:
    for opened in sockets:
        opened.close()


def find_targets(host: str, port: int) -> list[str]:
    """Return the addresses of a port as gRPC wants them, once it is sure that they can be had.

    Raises ListenError.
    """
    opened = open_sockets(host, port)
    names = [entry.getsockname() for entry in opened]
    close_sockets(opened)
    if not host:
        return [f"[::]:{port}"]  # gRPC's own word for both families
    return [f"[{name[0]}]:{port}" if ":" in name[0] else f"{name[0]}:{port}" for name in names]
