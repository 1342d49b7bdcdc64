"""Users over gRPC, on KServe's messages."""

import importlib.util
import runpy
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.experimental.gevent as grpc_gevent
import numpy as np
from locust import User, task
from numpy.typing import NDArray

from loadtest import setup
from loadtest.checks import check_answer, check_faces
from loadtest.pictures import DTYPES
from tools.v2_json import pack_strings

grpc_gevent.init_gevent()
INFER = "/inference.GRPCInferenceService/ModelInfer"
SECONDS = 60.0
Outputs = dict[str, NDArray]
Call = tuple[Any, Callable[[Outputs], str]]  # a request; what says what its answer has wrong


# The generated messages alone: importing kserve itself reads this process's arguments.
PACKAGE = importlib.util.find_spec("kserve")
assert PACKAGE and PACKAGE.origin
MESSAGES = Path(PACKAGE.origin).with_name("protocol") / "grpc/grpc_predict_v2_pb2.py"
pb: Any = SimpleNamespace(**runpy.run_path(str(MESSAGES)))


def write_request(name: str, datatype: str, shape: list[int], raw: bytes) -> Any:
    tensor = pb.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)
    model = setup.current.options.model
    return pb.ModelInferRequest(model_name=model, inputs=[tensor], raw_input_contents=[raw])


def read_outputs(answer: Any) -> Outputs:
    """Read an answer's outputs by name; raises ValueError or KeyError for another."""
    return {
        output.name: np.frombuffer(raw, DTYPES[output.datatype]).reshape(tuple(output.shape))
        for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }


class CallingUser(User):
    """What the gRPC users share; one connection each."""

    abstract = True

    def wait_time(self) -> float:
        return setup.current.options.think

    def make_call(self) -> Call:
        """Make the request that goes out again and again."""
        raise NotImplementedError

    def on_start(self) -> None:
        options = setup.current.options
        settings: list[tuple[str, str | int]] = [("grpc.use_local_subchannel_pool", 1)]
        if options.host_header:
            settings.append(("grpc.default_authority", options.host_header))
        self.channel = grpc.insecure_channel(options.grpc, settings)
        self.call = self.channel.unary_unary(
            INFER, pb.ModelInferRequest.SerializeToString, pb.ModelInferResponse.FromString
        )
        self.request, self.check = self.make_call()

    def on_stop(self) -> None:
        self.channel.close()

    @task
    def infer(self) -> None:
        failure: Exception | None = None
        begun, size = time.perf_counter(), 0
        try:
            answer = self.call(self.request, timeout=SECONDS)
            took, size = 1000 * (time.perf_counter() - begun), answer.ByteSize()
            if problem := self.check(read_outputs(answer)):
                failure = ValueError(f"wrong answer: {problem}")
        except (grpc.RpcError, ValueError, LookupError, OSError) as error:
            took, failure = 1000 * (time.perf_counter() - begun), error
        told: dict = {"response_time": took, "response_length": size, "exception": failure}
        tell = self.environment.events.request.fire
        tell(request_type="gRPC", name="ModelInfer", context={}, **told)


class GrpcUser(CallingUser):
    """Sends pictures to the service."""

    weight = 2

    def make_call(self) -> Call:
        shared = setup.current
        points = shared.count_points(self.environment.host or "")
        raw = pack_strings([shared.picture.content])
        check = partial(check_answer, pictures=[shared.picture], points=points)
        return write_request("image", "BYTES", [1], raw), check


class FaceUser(CallingUser):
    """Sends a predictor one face, as a transformer does; what is on it costs no more or less.

    Only when named: a transformer's metadata has no side of a face.
    """

    def make_call(self) -> Call:
        host, shared = self.environment.host or "", setup.current
        points, side = shared.count_points(host), shared.ask_shape(host, "heatmaps")[-1]
        grey = np.arange(side**2, dtype=np.uint8)  # [S * S]
        request = write_request("face", "UINT8", [1, 1, side, side], grey.tobytes())
        return request, partial(check_faces, faces=1, points=points, side=side)
