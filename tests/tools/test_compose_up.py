"""compose.yaml as a whole: up, healthy, asked, stopped. It needs docker, compose and the images.

TAG names the images' tag where it is not compose.yaml's own.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from client import locate
from tests.support.ask import ask_grpc
from tests.support.environment import run
from tests.support.load import wait_for
from tests.tools.test_compose import SERVICES
from tools.processes import find_free_ports

PROJECT = "landmarks-compose-test"


def find_compose() -> list[str]:
    """Find the command of docker's plugin, or the older one; [] where neither can be used."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and succeeds(*command, "version") and succeeds("docker", "ps"):
            return command
    return []


def succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


COMPOSE = find_compose()
IMAGES = [f"landmarks-{name}:{os.environ.get('TAG', 'dev')}" for name in SERVICES]
pytestmark = pytest.mark.skipif(
    not COMPOSE or not all(succeeds("docker", "image", "inspect", image) for image in IMAGES),
    reason="needs docker, its compose and the three images",
)


def list_states() -> list[str]:
    """List what docker says of the project's containers, as `Up 5 seconds (healthy)`."""
    named = ("--filter", f"name={PROJECT}", "--format", "{{.Status}}")
    return run("docker", "ps", "--all", *named).splitlines()


@contextlib.contextmanager
def run_compose(*services: str) -> Iterator[tuple[int, int]]:
    """Bring them up on free ports; a stop ends each by itself, with exit code 0."""
    rest, grpc = find_free_ports(2)
    environment = os.environ | {"PORT": str(rest), "GRPC_PORT": str(grpc)}

    def compose(*words: str) -> None:
        named = ("--project-name", PROJECT, "--profile", "one")
        run(*COMPOSE, *named, *words, env=environment)

    try:
        compose("up", "--detach", "--no-build", *services)
        yield rest, grpc
        compose("stop")
        assert all(state.startswith("Exited (0)") for state in list_states()), list_states()
    finally:
        compose("down", "--timeout", "1")


@pytest.mark.parametrize("services", [["predictor", "transformer"], ["standalone"]], ids=" ".join)
def test_it_comes_up_healthy_answers_and_ends(services, astronaut):
    with run_compose(*services) as (rest, grpc):
        wait_for(lambda: sum("(healthy)" in state for state in list_states()) == len(services), 90)
        (face,) = locate(astronaut, f"http://127.0.0.1:{rest}")
        over_grpc = ask_grpc(SimpleNamespace(grpc=grpc), {"image": [astronaut]})
        assert over_grpc["landmarks"].shape == (1, 15, 2) and len(face.points) == 15
