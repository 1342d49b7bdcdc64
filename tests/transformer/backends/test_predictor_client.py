"""What the predictor says about an error is what the transformer says."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from serving.errors import CATALOGUE
from serving.grpc.errors import translate_error
from serving.telemetry.stages import read_timings, write_timings
from transformer.backends.predictor_client import GrpcBackend, grpc_target
from transformer.backends.prewarm import find_address


def make_error(status: grpc.StatusCode, *trailing: tuple[str, str]) -> AioRpcError:
    return AioRpcError(status, Metadata(), Metadata(*trailing), details="It says so.")


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_passes_through(code):
    kind = CATALOGUE[code]
    error = make_error(kind.grpc_status, ("landmarks-error-code", code), ("retry-after", "7"))
    found = translate_error(error)
    assert type(found) is kind and found.message == "It says so." and found.retry_after == 7


@pytest.mark.parametrize(
    "status, code",
    [
        (grpc.StatusCode.UNAVAILABLE, "predictor_unavailable"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large"),
        (grpc.StatusCode.INVALID_ARGUMENT, "invalid_tensor"),
        (grpc.StatusCode.NOT_FOUND, "model_not_found"),
        (grpc.StatusCode.INTERNAL, "predictor_unavailable"),
    ],
)
def test_what_is_not_ours_is_told_by_its_status(status, code):
    assert translate_error(make_error(status)).code == code


def test_targets():
    assert grpc_target("a.b") == "dns:///a.b:80"
    assert grpc_target("a.b:8081") == "dns:///a.b:8081"
    assert grpc_target("ipv4:1.1.1.1:1,1.1.1.2:1") == "ipv4:1.1.1.1:1,1.1.1.2:1"


def test_timings_survive_their_header():
    assert read_timings(write_timings({"queue": 0.0015, "infer": 0.25})) == {
        "queue": 0.0015,
        "infer": 0.25,
    }
    assert read_timings("nonsense;dur=x, a;dur=1.2.3") == {}


def test_the_predictor_to_wake_is_the_one_that_will_be_asked():
    assert find_address(["x", "--predictor_host=a:1"], {"LANDMARKS_PREDICTOR": "b:2"}) == "a:1"
    assert find_address(["x", "--predictor_host", "a"], {}) == "a"
    assert find_address(["x"], {"LANDMARKS_PREDICTOR": "b:2"}) == "b:2"
    assert find_address(["x", "--predictor_host"], {}) == ""


async def test_a_name_that_is_not_there_yet_is_looked_up_anew():
    """gRPC itself would wait up to two minutes before it looks again."""
    client = GrpcBackend("predictor.invalid:80")
    assert client.stub
    client.made -= 1  # not more often than once a second
    assert "cannot be reached" in await client.check_ready("unet")
    assert client.channel is None
