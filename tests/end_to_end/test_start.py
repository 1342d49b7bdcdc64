"""Where services and `make serve` listen, and settings that cannot work: one sentence each."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from client import locate
from serving.listen import ListenError, open_sockets
from tests.support.environment import end
from tools.processes import ROOT, find_ports

BUSY = "cannot be listened on: Address already in use."
CASES: list[tuple[str, str, dict[str, str], str]] = [  # service, argument, variables, what is said
    ("predictor", "", {"MAX_INFLIGHT": "many"}, "LANDMARKS_MAX_INFLIGHT"),
    ("predictor", "", {"MODEL": "models/none.pth"}, "models/none.pth"),
    ("predictor", "", {"ENGINE": "abacus"}, "abacus"),
    ("predictor", "--model_name=a/b", {}, "--model_name: "),
    ("transformer", "--model_name=", {}, "--model_name: "),
    ("transformer", "--predictor_host=::1", {}, "host:port"),
    ("transformer", "", {"PREDICTOR": "http://127.0.0.1:8083"}, "host:port"),
    ("transformer", "--http_port=70000", {}, "Port 70000 of localhost cannot be listened on"),
    ("transformer", "--http_port=-1", {}, "Port -1 of localhost cannot be listened on"),
    ("transformer", "", {"HOST": "192.0.2.1"}, "Port 8080 of 192.0.2.1 cannot be listened on"),
    ("standalone", "--predictor_host=h:1", {}, "The predictor is in this process"),
    ("standalone", "", {"PREDICTOR": "h:1"}, "The predictor is in this process"),
]


def start(service: str, *arguments: str, **variables: str) -> tuple[int, str]:
    """Start a service that cannot run; return its exit code and what it said, less its log."""
    given = {"HOST": "localhost"} | variables
    environment = os.environ | {f"LANDMARKS_{name}": value for name, value in given.items()}
    done = end("python", "-m", service, *arguments, env=environment)
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    return done.returncode, "\n".join(said)


@pytest.fixture(scope="module")
def ended() -> list[tuple[int, str]]:
    """What each case ends with; two start at a time."""
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(start, s, *filter(None, [a]), **v) for s, a, v, _ in CASES]
        return [call.result() for call in calls]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(case[:3]) for case in CASES])
def test_what_cannot_work_ends_the_start_with_a_sentence(ended, number):
    code, said = ended[number]
    assert code and CASES[number][3] in said and len(said.splitlines()) == 1, said


@pytest.mark.parametrize("service", ["predictor", "transformer"])
@pytest.mark.parametrize("taken", ["http", "grpc"])
def test_a_port_in_use(service, taken):
    ports = find_ports()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        chosen = {"http": ports.rest, "grpc": ports.grpc} | {taken: port}
        code, said = start(service, *(f"--{door}_port={at}" for door, at in chosen.items()))
    assert code and said == f"Port {port} of localhost {BUSY}"


def test_both_families_and_no_other_interface(transformer):
    for host in ("127.0.0.1", "[::1]"):
        assert requests.get(f"http://{host}:{transformer.rest}/v2/health/live", timeout=60).ok
    socket.create_connection(("::1", transformer.grpc), 60).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells the address of this machine
        outer = probe.getsockname()[0]
    if not outer.startswith("127."):
        for port in (transformer.rest, transformer.grpc):
            with pytest.raises(OSError):
                socket.create_connection((outer, port), 2)


def test_all_interfaces_are_both_families():
    (opened,) = open_sockets("", 0)
    with opened:
        port = opened.getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), 60).close()
        with pytest.raises(ListenError, match="in use"):
            open_sockets("", port)


def test_a_proxy_of_the_environment_is_not_for_us(start_transformer, astronaut, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(locate(astronaut, start_transformer().url)) == 1


def test_times_in_the_log_are_utc(transformer):
    stamp = datetime.fromisoformat(json.loads(transformer.log.read_text().splitlines()[0])["time"])
    assert stamp.tzinfo == UTC and abs(datetime.now(UTC) - stamp) < timedelta(days=1)


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


def start_serve(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tools.serve", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("one", [[], ["--one"]], ids=["both", "one"])
def test_make_serve_serves_where_it_says_until_it_is_stopped(one):
    first = find_row(4)
    with start_serve(*one, "--port", first) as process:
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
        printed, faults = start_serve(*one, "--port", first).communicate(timeout=60)
    (line,) = faults.splitlines()
    target = "serve-one" if one else "serve"
    assert f"Port {first + taken} " in line and f"make {target} PORT=" in line and not printed


@pytest.mark.parametrize("port", ["80", "65533", "http"])
def test_a_port_that_cannot_be_is_refused(port):
    process = start_serve("--port", port)
    assert "port" in process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 2
