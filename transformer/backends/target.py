"""Where the predictor is, as gRPC and sockets want it."""

import re

HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]")


def grpc_target(address: str) -> str:
    """Make gRPC's target of host:port, a host or a target; raises ValueError with one sentence."""
    if address.split(":", 1)[0] in ("dns", "ipv4", "ipv6", "unix"):
        return address
    host, port = split_address(address)
    return f"dns:///{host}:{port}"


def split_address(address: str) -> tuple[str, int]:
    """Split host:port, of a host alone with port 80; raises ValueError with one sentence."""
    host, colon, port = address.rpartition(":") if address[-1:] != "]" else (address, "", "")
    if not colon:
        host, port = address, "80"
    valid = port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
    if not HOST.fullmatch(host) or not valid:
        text = f"The predictor's address is host, host:port or [IPv6]:port, not '{address[:200]}'."
        raise ValueError(text)
    return host, int(port)
