"""compose.yaml starts what the images are, and stops it as late as the services need.

The last test needs docker, its compose and the images, of which TAG names another tag than `dev`.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import yaml

from client import locate
from predictor.settings import PredictorSettings
from serving.settings import ServerSettings
from standalone import StandaloneSettings
from tests.support.ask import ask_grpc
from tests.support.environment import end, run
from tests.support.load import wait_for
from tools.processes import ROOT, find_free_ports
from transformer.settings import TransformerSettings

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
KINDS: dict[str, type[ServerSettings]] = {
    "predictor": PredictorSettings,
    "transformer": TransformerSettings,
    "standalone": StandaloneSettings,
}


def test_it_has_the_services_built_of_their_files():
    assert set(SERVICES) == set(KINDS)
    for name, service in SERVICES.items():
        text = (ROOT / service["build"]["dockerfile"]).read_text()
        assert f'"-m", "{name}"' in text and "EXPOSE 8080 8081" in text
        if target := service["build"].get("target"):
            assert re.search(rf"^FROM \w+ AS {target}$", text, re.M)
        for argument in service["build"].get("args", {}):
            assert re.search(rf"^ARG {argument}\b", text, re.M)


@pytest.mark.parametrize("name", KINDS)
def test_its_settings_are_ones_that_there_are_and_a_stop_has_the_time_to_drain(name):
    service, fields = SERVICES[name], KINDS[name].model_fields
    assert set(service.get("environment", {})) <= {f"LANDMARKS_{key.upper()}" for key in fields}
    needed = fields["drain_seconds"].default + fields["stop_seconds"].default
    assert int(service["stop_grace_period"].removesuffix("s")) > needed


def test_nothing_but_this_machine_reaches_it_and_one_process_starts_only_when_it_is_named():
    assert "ports" not in SERVICES["predictor"]
    for name in ("transformer", "standalone"):
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["standalone"]


def test_its_health_check_is_what_the_service_answers(transformer):
    for service in SERVICES.values():
        _, _, *program = service["healthcheck"]["test"]
        assert program[0] == "-c"
        for port, healthy in ((transformer.rest, True), (1, False)):
            code = program[1].replace(":8080", f":{port}")
            assert (end("python", "-c", code).returncode == 0) == healthy


PROJECT = "landmarks-compose-test"


def works(*command: str) -> bool:
    try:
        return shutil.which(command[0]) is not None and end(*command, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


# Of docker's plugin, or the older one.
COMMAND = next((c for c in (["docker", "compose"], ["docker-compose"]) if works(*c, "version")), [])
IMAGES = [f"landmarks-{name}:{os.environ.get('TAG', 'dev')}" for name in SERVICES]
needs_docker = pytest.mark.skipif(
    not COMMAND or not works("docker", "image", "inspect", *IMAGES),
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
        run(*COMMAND, *named, *words, env=environment)

    try:
        compose("up", "--detach", "--no-build", *services)
        yield rest, grpc
        compose("stop")
        assert all(state.startswith("Exited (0)") for state in list_states()), list_states()
    finally:
        compose("down", "--timeout", "1")


@needs_docker
@pytest.mark.parametrize("services", [["predictor", "transformer"], ["standalone"]], ids=" ".join)
def test_it_comes_up_healthy_answers_and_ends(services, astronaut):
    with run_compose(*services) as (rest, grpc):
        wait_for(lambda: sum("(healthy)" in state for state in list_states()) == len(services), 90)
        (face,) = locate(astronaut, f"http://127.0.0.1:{rest}")
        over_grpc = ask_grpc(SimpleNamespace(grpc=grpc), {"image": [astronaut]})
        assert over_grpc["landmarks"].shape == (1, 15, 2) and len(face.points) == 15
