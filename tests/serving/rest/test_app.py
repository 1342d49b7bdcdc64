"""The REST routes, in this process: answers, errors, ids, timings, and a description of it all."""

import asyncio
import gzip
import re

import httpx
import pytest
from starlette.routing import Route

from serving.errors import CATALOGUE, Cancelled, MethodNotAllowed
from serving.messages import DTYPES
from serving.repository import Repository
from serving.rest.app import create_app
from serving.rest.openapi import DESCRIPTION
from serving.settings import ServerSettings
from tests.serving.conftest import FakeModel, make_body

INFER = "/v2/models/fake/infer"


async def test_an_answer_has_its_id_its_version_and_its_timings(rest):
    answer = await rest.post(INFER, json=make_body(id="7"), headers={"x-request-id": "abc"})
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert (content["model_name"], content["model_version"], content["id"]) == ("fake", "1", "7")
    assert content["outputs"][0]["data"][0] == 10
    assert answer.headers["x-request-id"] == "abc"
    timings = dict(re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"]))
    assert list(timings) == ["queue", "infer", "total"] and timings["queue"] == "1.00"


@pytest.mark.parametrize("text", ["", "a b", "x" * 129, "é", "tab\there"])
async def test_an_id_that_is_not_there_or_that_no_log_should_hold_is_made(rest, text):
    answer = await rest.post(INFER, json=make_body(), headers={"x-request-id": text.encode()})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"]) and answer.json()["id"]
    assert (await rest.post(INFER, json=make_body(id=None))).status_code == 200


async def test_a_cause_of_ours_stays_ours_whatever_is_asked(repository, model, monkeypatch, caplog):
    def fail() -> None:
        raise RuntimeError("secret: a cause that callers shall not read")

    monkeypatch.setattr(model, "describe", fail)
    # As a server does, it takes what was not foreseen for its log.
    transport = httpx.ASGITransport(create_app(repository, "0"), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as rest:
        asked = await rest.post(INFER, json=make_body(parameters={"do": "fail"}))
        assert "secret" in caplog.text  # the log has it
        for answer in (asked, await rest.get("/v2/models/fake")):
            assert answer.status_code == 500 and "secret" not in answer.text
            assert answer.json()["code"] == "internal" and answer.headers["x-request-id"]


async def test_a_deadline_is_kept(rest, model):
    body = make_body(parameters={"do": "wait"})
    answer = await rest.post(INFER, json=body, headers={"x-request-timeout": "0.05"})
    assert answer.status_code == 504 and answer.json()["code"] == "deadline_exceeded"
    answer = await rest.post(INFER, json=body, headers={"x-request-timeout": "nan"})
    assert answer.status_code == 400
    model.settings = ServerSettings(request_seconds=0.05)
    assert (await rest.post(INFER, json=body)).status_code == 504


async def test_a_model_that_is_not_ready_says_so(rest, model):
    model.ready = False
    answer = await rest.post(INFER, json=make_body())
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert (await rest.get("/v2/health/ready")).status_code == 503
    assert (await rest.get("/v2/models/fake/ready")).status_code == 503
    assert (await rest.get("/v2/health/live")).status_code == 200


async def test_no_room_is_429_with_a_time_to_come_back(rest, repository):
    admission = repository.admission
    admission.max_requests = 0
    answer = await rest.post(INFER, json=make_body())
    assert answer.status_code == 429 and answer.headers["retry-after"] == "1"
    admission.seconds = 10.0  # that a request has taken of late
    waits = {(await rest.post(INFER, json=make_body())).headers["retry-after"] for _ in range(20)}
    assert len(waits) > 1 and all(10 <= int(wait) <= 20 for wait in waits)


async def test_bodies_may_not_fill_the_memory_together(rest, repository):
    admission = repository.admission
    admission.bytes = admission.max_bytes - 50
    assert (await rest.post(INFER, json=make_body())).status_code == 429
    assert admission.bytes == admission.max_bytes - 50
    admission.bytes, admission.max_bytes = 0, 50  # it can never fit
    assert (await rest.post(INFER, json=make_body())).status_code == 413
    packed = {"content": gzip.compress(bytes(1000)), "headers": {"content-encoding": "gzip"}}
    assert len(packed["content"]) < 50
    assert (await rest.post(INFER, **packed)).status_code == 413
    assert admission.bytes == admission.requests == admission.uploads == 0


async def test_a_stop_that_runs_out_of_time_is_told(rest, repository, model):
    body = make_body(parameters={"do": "wait"})
    asked = asyncio.create_task(rest.post(INFER, json=body))
    while not repository.admission.requests:
        await asyncio.sleep(0.01)
    repository.admission.stop()
    answer = await asked
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready" and model.left


async def test_a_plain_picture_takes_parameters_from_the_query(rest, model):
    headers = {"content-type": "image/png"}
    answer = await rest.post(INFER + "?model=student", content=b"7", headers=headers)
    assert answer.status_code == 200 and answer.json()["outputs"][0]["data"][0] == 7
    assert model.seen.parameters == {"model": "student"}


async def test_a_form_with_a_file_is_a_picture_with_parameters(rest, model):
    answer = await rest.post(INFER, files={"file": b"7"}, data={"model": "student"})
    assert answer.status_code == 200 and answer.json()["outputs"][0]["data"][0] == 7
    assert model.seen.parameters == {"model": "student"}


@pytest.mark.parametrize(
    "query, body",
    [
        ("", make_body(outputs=[{"name": "landmarks", "parameters": {"odd": 3}}])),
        ("", make_body(outputs=[{"name": "landmarks", "odd": 3}])),
        ("", make_body(inputs=[make_body()["inputs"][0] | {"parameters": {"odd": 3}}])),
        ("", make_body(inputs=[make_body()["inputs"][0] | {"odd": 3}])),
        ("", make_body(odd=3)),
        ("?odd=3", make_body()),
        ("?odd=3&odd=3", b"picture"),
    ],
)
async def test_what_is_asked_and_not_done_is_refused(rest, query, body):
    said = {"content": body, "headers": {"content-type": "image/png"}}
    answer = await rest.post(INFER + query, **(said if isinstance(body, bytes) else {"json": body}))
    assert answer.status_code == 400 and "'odd'" in answer.json()["error"]
    assert answer.json()["code"] == "invalid_request"


async def test_v1_is_told_where_v2_is(rest):
    answer = await rest.post("/v1/models/fake:predict", json={})
    assert answer.status_code == 404 and "/v2/models/NAME/infer" in answer.json()["error"]


@pytest.mark.parametrize(
    "origins, allowed", [("", None), ("https://a.example, x", "https://a.example"), ("*", "*")]
)
async def test_web_pages_of_other_origins_may_ask_where_a_setting_says_so(origins, allowed):
    model = FakeModel(settings=ServerSettings(cors_origins=origins))
    transport = httpx.ASGITransport(create_app(Repository([model], model.settings), "0"))
    page = {"origin": "https://a.example"}
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as rest:
        answer = await rest.post(INFER, json=make_body(), headers=page)
    assert answer.headers.get("access-control-allow-origin") == allowed


async def test_statistics_and_configuration(rest):
    await rest.post(INFER, json=make_body())
    await rest.post(INFER, json=make_body(parameters={"do": "refuse"}))
    (entry,) = (await rest.get("/v2/models/fake/stats")).json()["model_stats"]
    assert entry["inference_count"] == 1
    assert entry["inference_stats"]["success"]["count"] == 1
    assert entry["inference_stats"]["fail"]["count"] == 1
    assert entry["inference_stats"]["compute_infer"] == {"count": 1, "ns": 2_000_000}
    config = (await rest.get("/v2/models/fake/config")).json()
    assert config["input"][0]["data_type"] == "TYPE_UINT8"
    assert (await rest.get("/v2/models")).json() == {"models": ["fake"]}


async def test_the_repository_is_closed_until_a_setting_opens_it(rest):
    for path in ("/v2/repository/index", "/v2/repository/models/fake/unload"):
        answer = await rest.post(path)
        assert answer.status_code == 404 and "LANDMARKS_REPOSITORY_API" in answer.text
    assert (await rest.get("/v2/models/fake/ready")).is_success


async def test_every_request_is_counted_and_unknown_models_make_no_label(rest):
    await rest.post(INFER, content=b"{")
    await rest.post("/v2/models/made-up/infer", json={})
    text = (await rest.get("/metrics")).text
    assert 'landmarks_requests_total{code="invalid_request",model="fake"' in text
    assert "made-up" not in text


async def test_the_description_is_the_routes(rest, repository):
    served = {
        (route.path, method.lower())
        for route in create_app(repository, "0").routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    api = (await rest.get("/openapi.json")).json()
    assert {(path, m) for path, entry in api["paths"].items() for m in entry} == served
    assert api["components"]["parameters"]["model"]["schema"]["enum"] == ["fake"]
    assert "openapi.json" in (await rest.get("/docs")).text


def test_the_description_has_the_codes_of_the_catalogue():
    parts = DESCRIPTION["components"]
    assert parts["schemas"]["Tensor"]["properties"]["datatype"]["enum"] == list(DTYPES)
    not_documented = (MethodNotAllowed, Cancelled)  # a correct caller who waits never sees these
    described = [kind for kind in CATALOGUE.values() if kind not in not_documented]
    statuses = {str(kind.http_status) for kind in described}
    infer = DESCRIPTION["paths"]["/v2/models/{model}/infer"]["post"]["responses"]
    assert set(infer) == statuses - {"403"} | {"200"}
    assert "403" in DESCRIPTION["paths"]["/v2/repository/index"]["post"]["responses"]
