"""compose.yaml starts what the images are, and stops it as late as the services need."""

import re
import subprocess

import pytest
import yaml

from predictor.settings import PredictorSettings
from serving.settings import ServerSettings
from standalone import StandaloneSettings
from tools.processes import ROOT
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
            done = subprocess.run(["python3", "-c", code], capture_output=True, timeout=60)
            assert (done.returncode == 0) == healthy
