"""`make serve` and `make serve-one`: where they listen, and what they say of a taken port."""

import contextlib
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests

from tools.processes import ROOT


def find_row(count: int) -> int:
    """Find the first of so many free ports in a row."""
    for _ in range(100):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError, OverflowError):
            first = 0
            for number in range(count):
                entry = held.enter_context(socket.socket())
                entry.bind(("127.0.0.1", first + number if first else 0))
                first = first or entry.getsockname()[1]
            return first
    raise RuntimeError("no row of free ports")


def start_serve(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.serve", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("one", [[], ["--one"]], ids=["both", "one"])
def test_it_serves_where_it_says_until_it_is_stopped(one):
    first = find_row(4)
    with start_serve(*one, "--port", str(first)) as process:
        assert process.stdout and process.stderr
        try:
            printed = ""
            while "Ctrl-C stops" not in printed:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                printed += line
            assert set(re.findall(r"http://\S+?/", printed)) >= {f"http://127.0.0.1:{first}/"}
            assert "8080" not in printed
            page = requests.get(f"http://127.0.0.1:{first}/", timeout=20)
            assert page.ok and "<html" in page.text
            process.send_signal(signal.SIGINT)
            rest, faults = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0 and not faults
    assert rest.splitlines()[-1] == "stopped"


@pytest.mark.parametrize(("one", "taken"), [([], 3), (["--one"], 1)], ids=["both", "one"])
def test_a_port_that_is_taken_is_said_in_a_sentence(one, taken):
    """At once, whichever it is, and with the way to take others."""
    first = find_row(4)
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + taken))
        other.listen()
        process = start_serve(*one, "--port", str(first))
        printed, faults = process.communicate(timeout=60)
    assert process.returncode == 1 and not printed
    (line,) = faults.splitlines()
    target = "serve-one" if one else "serve"
    assert f"Port {first + taken} " in line and f"make {target} PORT=" in line


@pytest.mark.parametrize("port", ["80", "65533", "http"])
def test_a_port_that_cannot_be_is_refused(port):
    process = start_serve("--port", port)
    assert "port" in process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 2
