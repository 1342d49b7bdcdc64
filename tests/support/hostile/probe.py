"""Ask for /v2/health/live again and again, as a process of its own, and write how long it took.

    python tests/support/hostile/probe.py PORT ...

One line an answer: the time of time.monotonic() at which it was asked, the seconds, the port.
A test's own process could not tell: its work would delay the asking.
"""

import http.client
import sys
import time


def probe(ports: list[int]) -> None:
    """Ask until the standard output is closed."""
    connections = {port: http.client.HTTPConnection("127.0.0.1", port, 60) for port in ports}
    while True:
        for port, connection in connections.items():
            begun = time.monotonic()
            connection.request("GET", "/v2/health/live")
            connection.getresponse().read()
            print(begun, time.monotonic() - begun, port, flush=True)
        time.sleep(0.005)


if __name__ == "__main__":
    probe([int(port) for port in sys.argv[1:]])
