"""docs/own-model.md as it stands: its commands, on a network and on photographs of one's own."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from tests.support.ask import Outputs, ask_jpeg
from tests.support.environment import end
from tests.support.load import wait_for
from tools.processes import ROOT, Service, find_free_ports

PAGE = (ROOT / "docs/own-model.md").read_text()
UNET = (ROOT / "predictor/unet.py").read_text()
SECONDS = 900


def read_commands(heading: str) -> list[str]:
    """Read the commands of a section, with its folders' names as the page has them."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


def run(command: str, folder: Path) -> None:
    """Run a command in the checkout, its folders being those of the test."""
    for name in ("out/labels", "out/mine", "photographs", "FACES"):
        command = command.replace(name, str(folder / name.replace("out/", "")))
    command = re.sub(r"\bmine\b(?=$| )", str(folder / "mine"), command)
    command = command.replace("--minutes 30", "--minutes 0.1")
    if command.startswith("make ledger"):  # a moment of each engine
        command = re.sub(r"DATA=(\S+)", r"""DATA='\1" --rounds "1" --seconds "0.01'""", command)
    if command.startswith("make serve"):
        serve(command, folder / "log")
        return
    done = end("bash", "-c", command, timeout=SECONDS)
    if "could not be had" in done.stderr:
        pytest.skip("the teacher's weights can't be fetched here")
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def serve(command: str, log: Path) -> None:
    """Serve until a photograph is answered, then stop by Ctrl-C."""
    port = find_free_ports(1)[0]
    while port > 65000:
        port = find_free_ports(1)[0]
    line, picture = f"{command} PORT={port} >{log} 2>&1", ROOT / "tests/assets/astronaut.jpg"
    process = subprocess.Popen(line, shell=True, cwd=ROOT, start_new_session=True)
    service = Service("", process, log, port, 0)

    def look() -> Outputs | None:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(requests.ConnectionError, AssertionError):
            return ask_jpeg(service, picture.read_bytes())
        return None

    try:
        outputs = wait_for(look, SECONDS)
        assert outputs is not None
        (face,) = outputs["landmarks"]
        assert np.abs(face[10] - (224, 126)).max() < 6  # the nose
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one's own, faces cut for it, and photographs with a face in each."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("mine", "photographs", "FACES"):
        (folder / name).mkdir()
    code = UNET.replace("from predictor.landmarks import DEFAULT\n", "")
    (folder / "mine/model.py").write_text(code.replace("len(DEFAULT)", "15"))
    weights = (ROOT / "models/simple_unet.pth").read_bytes()
    (folder / "mine/simple_unet.pth").write_bytes(weights)
    whole = cv2.imread(str(ROOT / "tests/assets/astronaut.jpg"))
    assert whole is not None
    face = np.load(ROOT / "predictor/golden_face.npy")[0, 0]
    random = np.random.default_rng(0)
    for i in range(36):
        light, side = random.uniform(0.7, 1.1), int(random.integers(380, 512))
        picture = cv2.resize(whole[:side, :side], None, fx=1.2, fy=1.2)
        picture = picture[:, ::-1] if i % 2 else picture
        lit = np.clip(picture * light, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"photographs/{i}.jpg"), lit)
        rolled = np.roll(face, random.integers(-3, 4, 2), (0, 1)) * light
        cv2.imwrite(str(folder / f"FACES/{i}.png"), rolled.clip(0, 255).astype(np.uint8))
    return folder


SECTIONS = ["One command", "int8", "Profile it", "From photographs to a served artifact"]


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_commands_work_as_they_stand(folder: Path, heading: str):
    commands = read_commands(heading)
    assert commands
    for command in commands:
        run(command, folder)
