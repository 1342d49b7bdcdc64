"""A request to the predictor at start, so that both services cold-start at once.

Where Knative scales both from zero, the predictor then starts while this one still loads.
An HTTP request it must be: a bare connection wakes nothing.
"""

import os
import socket
import sys
import threading

from transformer.backends.target import split_address

SECONDS = 60.0  # for which a gateway may hold the request


def prewarm_predictor() -> threading.Thread | None:
    """Send a request to the predictor in the background; what becomes of it does not matter."""
    address = find_address(sys.argv, os.environ)
    if not address:
        return None
    thread = threading.Thread(target=send_request, args=(address,), name="prewarm", daemon=True)
    thread.start()
    return thread


def find_address(arguments: list[str], variables) -> str:
    """Find host:port in --predictor_host or LANDMARKS_PREDICTOR, as the settings will."""
    address = variables.get("LANDMARKS_PREDICTOR", "")
    for i, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--predictor_host":
            address = value if equals else "".join(arguments[i + 1 : i + 2])
    return address


def send_request(address: str) -> None:
    """Make one HTTP/1.1 request."""
    try:
        host, port = split_address(address)
    except ValueError:
        return  # the settings will say so
    request = f"GET /v2/health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host.strip("[]"), port), SECONDS) as connection:
            connection.sendall(request.encode())
            connection.recv(1)
    except OSError:
        pass
