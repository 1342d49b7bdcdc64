"""The client over gRPC, with messages and stubs of its own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from client import Client, ServiceError, locate_grpc
from client import landmarks_client_pb2 as pb
from client.over_grpc import SERVICE
from tests.client.service import CONFIG, FACES, NAMES


class Script:
    """What is answered: `refusals` first, each a status and its trailing metadata."""

    def __init__(self) -> None:
        self.refusals: list[tuple[grpc.StatusCode, tuple[tuple[str, str], ...]]] = []
        self.metadata: list[dict[str, str]] = []
        self.pictures: list[bytes] = []
        self.address = ""
        self.lock = threading.Lock()

    def infer(self, request, context):
        with self.lock:
            self.metadata.append(dict(context.invocation_metadata()))
            if self.refusals:
                status, trailing = self.refusals.pop(0)
                context.set_trailing_metadata(trailing)
                context.abort(status, "Not now.")
        self.pictures.append(request.raw_input_contents[0][4:])
        answer = pb.InferResponse()
        for output in FACES["outputs"]:
            answer.outputs.add(name=output["name"], datatype="FP32", shape=output["shape"])
            answer.raw_output_contents.append(np.array(output["data"], "<f4").tobytes())
        return answer

    def config(self, request, context):
        answer = pb.ConfigResponse()
        points = CONFIG["parameters"]["points"]["string_value"]
        answer.config.parameters["points"].string_value = points
        return answer


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    handlers = {
        "ModelInfer": grpc.unary_unary_rpc_method_handler(
            script.infer, pb.InferRequest.FromString, pb.InferResponse.SerializeToString
        ),
        "ModelConfig": grpc.unary_unary_rpc_method_handler(
            script.config, pb.ConfigRequest.FromString, pb.ConfigResponse.SerializeToString
        ),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(SERVICE.strip("/"), handlers)]
    )
    script.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield script
    server.stop(0)


def test_a_picture_has_faces_with_named_points(script):
    faces = locate_grpc(b"face", script.address)
    assert [point.name for point in faces[0].points] == NAMES
    assert script.pictures == [b"face"]


def test_headers_travel_as_metadata(script):
    Client(grpc=script.address, headers={"Authorization": "Bearer x"}).locate(b"face")
    assert script.metadata[0]["authorization"] == "Bearer x"
    for headers in ({"bad name": "x"}, {"name": "\u2713"}):
        with pytest.raises(ServiceError):
            Client(grpc=script.address, headers=headers).locate(b"face")


def test_the_services_own_code_is_told_and_what_may_pass_is_asked_again(script):
    full = (grpc.StatusCode.RESOURCE_EXHAUSTED, (("landmarks-error-code", "overloaded"),))
    script.refusals = [full]
    with pytest.raises(ServiceError) as caught:
        locate_grpc(b"face", script.address)
    assert caught.value.code == "overloaded"
    script.refusals = [full, (grpc.StatusCode.CANCELLED, ())]  # as a server that stops says it
    assert len(Client(grpc=script.address).locate(b"face")) == 1
    script.refusals = [(grpc.StatusCode.INVALID_ARGUMENT, ())]
    with pytest.raises(ServiceError, match=r"invalid_argument: Not now\."):
        Client(grpc=script.address).locate(b"face")
    with pytest.raises(ServiceError, match="unreachable"):
        locate_grpc(b"face", "127.0.0.1:1")
