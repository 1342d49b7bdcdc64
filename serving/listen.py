"""The addresses on which a server listens, the same for both transports."""

import errno
import socket

MISSING = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # this machine lacks the address's family
LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class ListenError(RuntimeError):
    """A port cannot be had; one sentence."""


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind a port on every address of the host, "" being all of IPv4 and IPv6.

    Raises ListenError.
    """
    opened = list[socket.socket]()
    both = not host and socket.has_dualstack_ipv6()
    missing = OSError("it has no address")
    try:
        for family, address in list_addresses(host, port):
            try:
                opened.append(
                    socket.create_server(
                        (address, port), family=family, dualstack_ipv6=both, backlog=2048
                    )
                )
            except OSError as error:
                if error.errno not in MISSING:
                    raise
                missing = error
        if not opened:
            raise missing
    except (OSError, OverflowError) as error:
        for entry in opened:
            entry.close()
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise ListenError(
            f"Port {port} of {host or 'this machine'} cannot be listened on: {reason}."
        ) from None
    return opened


def list_addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """List the families and addresses of a host."""
    if not host:
        return [(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET, "")]
    if host == "localhost":  # whatever the hosts file says
        return [*LOOPBACK]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, str(address[0])) for family, _, _, _, address in found]


def find_targets(host: str, port: int) -> list[str]:
    """Return the addresses of a port as gRPC wants them, once it is sure that they can be had.

    gRPC by itself would share the port with another server. Raises ListenError.
    """
    names = []
    for entry in open_sockets(host, port):
        names.append(entry.getsockname()[0])
        entry.close()
    if not host:
        return [f"[::]:{port}"]  # gRPC's own word for both families
    return [f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names]
