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
def test_its_settings_are_ones_that_there_are(name):
    named = SERVICES[name].get("environment", {})
    there = {f"LANDMARKS_{field.upper()}" for field in KINDS[name].model_fields}
    assert set(named) <= there


@pytest.mark.parametrize("name", KINDS)
def test_a_stop_has_the_time_to_drain_and_to_end(name):
    fields = KINDS[name].model_fields
    needed = fields["drain_seconds"].default + fields["stop_seconds"].default
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > needed


def test_nothing_but_this_machine_reaches_it():
    assert "ports" not in SERVICES["predictor"]
    for name in ("transformer", "standalone"):
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_one_process_starts_only_when_it_is_named():
    """It wants the ports of the other two."""
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"standalone"}


def test_its_health_check_is_what_the_service_answers(transformer):
    """Run the check's own program against a service, and against none."""
    for service in SERVICES.values():
        _, _, *program = service["healthcheck"]["test"]
        assert program[0] == "-c"
        here = program[1].replace("127.0.0.1:8080", f"127.0.0.1:{transformer.rest}")
        nobody = program[1].replace("127.0.0.1:8080", "127.0.0.1:1")
        codes = [
            subprocess.run(["python3", "-c", code], capture_output=True, timeout=60).returncode
            for code in (here, nobody)
        ]
        assert codes == [0, 1]
