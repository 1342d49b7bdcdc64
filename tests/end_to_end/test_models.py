"""Several models behind one transformer; they come and go while they are asked."""

import contextlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests
import torch

from predictor.unet import UNet
from tests.support.ask import JPEG, infer_url
from tools.processes import Service


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(2)
    for path in ("small/1", "small/2", "spare/next"):  # the last is not a version
        (folder / path).mkdir(parents=True)
        torch.save(UNet(base_width=4).state_dict(), folder / path / "model.pth")
        (folder / path / "model.json").write_text('{"trust": {"doubt": 0, "low": 0}}')
    return folder


@pytest.fixture(scope="module")
def many(start_own, folder) -> tuple[Service, Service]:
    everywhere = {"host": ""}  # all addresses, as in a container
    predictor = start_own("predictor", models=str(folder), repository_api="true", **everywhere)
    own = {"predictor": f"127.0.0.1:{predictor.grpc}", "repository_api": "true"}
    return predictor, start_own("transformer", **own, **everywhere)


def index(predictor: Service) -> dict[tuple[str, str], str]:
    states = requests.post(f"{predictor.url}/v2/repository/index").json()
    return {(state["name"], state["version"]): state["state"] for state in states}


def test_a_page_manages_no_models_over_either_door(many):
    predictor = many[0]
    origin = {"origin": "https://any.example"}
    refused = requests.post(f"{predictor.url}/v2/repository/index", headers=origin)
    assert refused.status_code == 403 and refused.json()["code"] == "forbidden"
    with grpc.insecure_channel(f"127.0.0.1:{predictor.grpc}") as channel:
        list_models = channel.unary_unary("/inference.GRPCInferenceService/RepositoryIndex")
        assert b"unet" in list_models(b"")
        with pytest.raises(grpc.RpcError) as caught:
            list_models(b"", metadata=[*origin.items()])
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert ("landmarks-error-code", "forbidden") in caught.value.trailing_metadata()


def ask(transformer: Service, picture: bytes, model: str) -> requests.Response:
    return requests.post(f"{infer_url(transformer)}?model={model}", picture, headers=JPEG)


def test_all_that_lies_there_is_served(many, astronaut):
    predictor, transformer = many
    there = ("unet", "1"), ("small", "1"), ("small", "2")
    assert index(predictor) == dict.fromkeys(there, "READY")
    metadata = requests.get(f"{predictor.url}/v2/models/small").json()
    assert metadata["versions"] == ["1", "2"]
    answers = {model: ask(transformer, astronaut, model) for model in ("unet", "small")}
    points = {model: answer.json()["outputs"][0]["data"] for model, answer in answers.items()}
    assert len(points["unet"]) == len(points["small"]) == 30 and points["unet"] != points["small"]


def test_models_come_and_go_while_they_are_asked(many, folder, astronaut):
    predictor, transformer = many
    stop, codes = threading.Event(), set[int]()

    def ask_on() -> None:
        while not stop.is_set():
            codes.add(ask(transformer, astronaut, "small").status_code)

    repository = f"{predictor.url}/v2/repository/models"
    with ThreadPoolExecutor(3) as threads, contextlib.ExitStack() as ended:
        ended.callback(stop.set)
        callers = [threads.submit(ask_on) for _ in range(3)]
        shutil.move(folder / "spare/next", folder / "spare/1")
        assert requests.post(f"{repository}/spare/load").ok
        assert index(predictor)["spare", "1"] == "READY"
        assert ask(transformer, astronaut, "spare").ok
        for name in ("small/load", "small/load", "spare/unload"):  # anew, twice
            assert requests.post(f"{repository}/{name}").ok
    assert codes == {200} and not any(caller.exception() for caller in callers)
    assert index(predictor)["spare", "1"] == "UNAVAILABLE"
    assert ask(transformer, astronaut, "spare").status_code == 404
