"""Load the service as clients do: V2 JSON, image/jpeg and gRPC, every answer checked.

    locust -f loadtest/locustfile.py -H http://127.0.0.1:8080 --grpc 127.0.0.1:8081
    locust -f loadtest/locustfile.py -H http://127.0.0.1:8080 --headless -u 8 -t 60s \\
           --host-header landmarks-transformer.landmarks.example.com JpegUser

The exit code is 1 when an answer failed or took longer than the options allow.
"""

import base64
import json
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
from locust import FastHttpUser, User, constant, events, task

command_line, sys.argv = sys.argv, sys.argv[:1]  # importing kserve parses the command line
import grpc  # noqa: E402
import grpc.experimental.gevent as grpc_gevent  # noqa: E402
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb  # noqa: E402
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # locust runs this file, wherever it was started
from serving.errors import ServingError  # noqa: E402
from serving.grpc.codec import decode_response, encode_request  # noqa: E402

sys.argv = command_line
grpc_gevent.init_gevent()

PICTURE = ROOT / "tests/assets/astronaut.jpg"


@events.init_command_line_parser.add_listener
def add_options(parser) -> None:
    parser.add_argument("--picture", default=str(PICTURE), help="JPEG with at least one face")
    parser.add_argument("--model", default="unet")
    parser.add_argument("--host-header", default="", help="name the ingress knows the service by")
    parser.add_argument("--grpc", default="", metavar="HOST:PORT", help="address for GrpcUser")
    parser.add_argument(
        "--think", type=float, default=0.0, help="seconds between a user's requests"
    )
    parser.add_argument("--max-failures", type=float, default=0.0, help="share of the requests")
    parser.add_argument("--max-p95", type=float, default=0.0, metavar="MS", help="0: any")


@events.init.add_listener
def prepare(environment, **_) -> None:
    """Read the picture once, and leave out gRPC users who have nowhere to go."""
    options = environment.parsed_options
    picture = Path(options.picture).read_bytes()
    classes = environment.user_classes
    for user in (JpegUser, JsonUser, GrpcUser, FaceUser):
        user.model, user.picture, user.think = options.model, picture, options.think
        user.host_header, user.address = options.host_header, options.grpc
    if not options.grpc and GrpcUser in classes:
        classes.remove(GrpcUser)
    if FaceUser in classes and len(classes) > 1:
        classes.remove(FaceUser)  # only when named: it asks a predictor, not a transformer


@events.quitting.add_listener
def judge(environment, **_) -> None:
    """Set the exit code by the thresholds."""
    total, options = environment.stats.total, environment.parsed_options
    p95 = total.get_response_time_percentile(0.95) or 0
    reasons = []
    if total.num_requests == 0:
        reasons.append("no request was made")
    if total.fail_ratio > options.max_failures:
        reasons.append(f"{total.num_failures} of {total.num_requests} requests failed")
    if options.max_p95 and p95 > options.max_p95:
        reasons.append(f"p95 is {p95:.0f} ms, above {options.max_p95:.0f} ms")
    for reason in reasons:
        print(f"FAILED: {reason}")
    environment.process_exit_code = 1 if reasons else 0


def check_shape(shape: list[int], wanted: list[int]) -> None:
    """Raise ValueError unless this is at least one face, and what the model's metadata says."""
    if list(shape[1:]) != wanted[1:] or shape[0] < 1:
        raise ValueError(f"landmarks have the shape {list(shape)}")


class RestUser(FastHttpUser):
    """What both REST users share."""

    abstract = True
    model, picture, think, host_header, address = "unet", b"", 0.0, "", ""
    content_type = ""

    def wait_time(self) -> float:
        return self.think

    def make_body(self) -> bytes:
        raise NotImplementedError

    def ask_shape(self) -> list[int]:
        """Ask for the shape of landmarks, uncounted, once there was an answer."""
        headers = {"Host": self.host_header} if self.host_header else {}
        url = f"{self.host}/v2/models/{self.model}"
        with urlopen(Request(url, headers=headers), timeout=60) as answer:
            outputs = json.load(answer)["outputs"]
        return next(output["shape"] for output in outputs if output["name"] == "landmarks")

    def on_start(self) -> None:
        self.wanted: list[int] = []
        self.body = self.make_body()
        self.headers = {"Content-Type": self.content_type}
        if self.host_header:
            self.headers["Host"] = self.host_header

    @task
    def infer(self) -> None:
        with self.client.post(
            f"/v2/models/{self.model}/infer",
            data=self.body,  # type: ignore[arg-type]  # bytes are taken as they are
            headers=self.headers,
            name=self.content_type,
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {(answer.text or '')[:200]}")
                return
            try:
                outputs = {output["name"]: output["shape"] for output in answer.json()["outputs"]}
                self.wanted = self.wanted or self.ask_shape()
                check_shape(outputs["landmarks"], self.wanted)
            except (ValueError, KeyError, TypeError, OSError) as error:
                answer.failure(f"wrong answer: {error!r}")


class JpegUser(RestUser):
    """Posts the JPEG as it is."""

    content_type = "image/jpeg"

    def make_body(self) -> bytes:
        return self.picture


class JsonUser(RestUser):
    """Posts a V2 request with the picture in base64."""

    content_type = "application/json"

    def make_body(self) -> bytes:
        text = base64.b64encode(self.picture).decode()
        tensor = '{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["%s"]}'
        return ('{"inputs": [' + tensor % text + "]}").encode()


class GrpcUser(User):
    """Calls ModelInfer with the raw JPEG; one connection a user."""

    model, picture, think, host_header, address = "unet", b"", 0.0, "", ""
    wait_time = constant(0)

    def on_start(self) -> None:
        options: list[tuple[str, str | int]] = [("grpc.use_local_subchannel_pool", 1)]
        if self.host_header:
            options.append(("grpc.default_authority", self.host_header))
        self.channel = grpc.insecure_channel(self.address, options)
        self.stub = pb_grpc.GRPCInferenceServiceStub(self.channel)
        self.wanted: list[int] = []
        self.request = self.make_request()

    def ask_shape(self, name: str) -> list[int]:
        """Ask for the shape of an output."""
        told = self.stub.ModelMetadata(pb.ModelMetadataRequest(name=self.model), timeout=60)
        return next(list(output.shape) for output in told.outputs if output.name == name)

    def make_request(self) -> pb.ModelInferRequest:
        return encode_request(self.model, {"image": [self.picture]})

    def on_stop(self) -> None:
        self.channel.close()

    @task
    def infer(self) -> None:
        begun, size, problem = time.perf_counter(), 0, None
        try:
            answer = self.stub.ModelInfer(self.request, timeout=60)
            size = answer.ByteSize()
            landmarks = decode_response(answer)["landmarks"]
            self.wanted = self.wanted or self.ask_shape("landmarks")
            check_shape(list(landmarks.shape), self.wanted)
        except (grpc.RpcError, ValueError, LookupError, ServingError) as error:
            problem = error
        self.environment.events.request.fire(
            request_type="gRPC",
            name="ModelInfer",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=size,
            exception=problem,
            context={},
        )
        if self.think:
            time.sleep(self.think)


class FaceUser(GrpcUser):
    """Sends a predictor one face, as a transformer does; what is on it costs no more or less."""

    def make_request(self) -> pb.ModelInferRequest:
        side = self.ask_shape("heatmaps")[-1]  # of [-1, K, S, S]
        grey = np.arange(side * side, dtype=np.uint8).reshape(1, 1, side, side)
        return encode_request(self.model, {"face": grey})
