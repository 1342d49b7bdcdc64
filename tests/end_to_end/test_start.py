"""Where services listen, and settings that cannot work: one sentence, and no traceback."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from client import locate
from serving.listen import ListenError, open_sockets
from tools.processes import ROOT, find_ports


def start(service: str, *arguments: object, **variables: str) -> tuple[int, str]:
    """Start a service that cannot run; return its exit code and what it said, less its log."""
    command = [sys.executable, "-m", service, *map(str, arguments)]
    environment = os.environ | {"LANDMARKS_HOST": "localhost"} | variables
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    return done.returncode, "\n".join(said)


@pytest.mark.parametrize("service", ["predictor", "transformer"])
@pytest.mark.parametrize("taken", ["http", "grpc"])
def test_a_port_in_use(service, taken):
    ports = find_ports()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        chosen = {"http": ports.rest, "grpc": ports.grpc} | {taken: port}
        code, said = start(
            service, f"--http_port={chosen['http']}", f"--grpc_port={chosen['grpc']}"
        )
    assert (
        code and said == f"Port {port} of localhost cannot be listened on: Address already in use."
    )


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_is_none(port):
    code, said = start("transformer", f"--http_port={port}")
    assert code and said.startswith(f"Port {port} of localhost cannot be listened on")
    assert len(said.splitlines()) == 1


def test_a_host_that_is_not_this_machines():
    code, said = start("transformer", LANDMARKS_HOST="192.0.2.1")
    assert code and said.startswith("Port 8080 of 192.0.2.1 cannot be listened on")


NAMES = ["a/b", "", "..", "stats", "a\nb"]
ADDRESSES = ["http://127.0.0.1:8083", "::1", "a b:1", "host:port", "h:0"]
SERVICES = ["predictor", "transformer"]


@pytest.fixture(scope="module")
def refused() -> dict[tuple[str, str], tuple[int, str]]:
    """What a wrong name or address ends with, by where it is given; two start at a time."""
    cases = {
        (service, name): [service, f"--model_name={name}"] for service in SERVICES for name in NAMES
    }
    cases |= {("flag", at): ["transformer", "--predictor_host", at] for at in ADDRESSES}
    cases |= {("variable", at): ["transformer"] for at in ADDRESSES}

    def run(case: tuple[str, str]) -> tuple[int, str]:
        where, value = case
        return start(*cases[case], LANDMARKS_PREDICTOR=value if where == "variable" else "")

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cases, pool.map(run, cases), strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("service", SERVICES)
def test_a_model_name_that_no_address_leads_to(refused, service, name):
    code, said = refused[service, name]
    assert code and said.startswith("--model_name: ") and len(said.splitlines()) == 1


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("where", ["flag", "variable"])
def test_an_address_of_the_predictor_that_is_none(refused, where, address):
    code, said = refused[where, address]
    assert code and "host:port" in said and len(said.splitlines()) == 1


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


def test_times_in_the_log_are_utc(transformer, monkeypatch):
    line = transformer.log.read_text().splitlines()[0]
    stamp = line.partition('"time": "')[2].partition('"')[0]
    assert stamp.endswith("+00:00")
    assert stamp[:11] in (
        time.strftime("%Y-%m-%dT", time.gmtime(time.time() - s)) for s in (0, 6e4)
    )
