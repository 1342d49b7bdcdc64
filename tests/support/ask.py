"""Ask a service through its doors, and read what it answers as arrays by name."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as pb_grpc
from numpy.typing import NDArray

from serving.grpc.codec import decode_response, encode_request
from serving.messages import DATATYPES, DTYPES
from tools.processes import Service

Inputs = Mapping[str, NDArray | Sequence[bytes]]
Names = Iterable[str]
Outputs = dict[str, NDArray]
JPEG = {"content-type": "image/jpeg"}
SECONDS = 60


def infer_url(service: Service) -> str:
    return f"{service.url}/v2/models/unet/infer"


def write_tensor(name: str, values: NDArray | Sequence[bytes]) -> dict[str, Any]:
    if isinstance(values, np.ndarray):
        kind, shape, data = DATATYPES[values.dtype], list(values.shape), values.ravel().tolist()
    else:
        kind, shape = "BYTES", [len(values)]
        data = [base64.b64encode(item).decode() for item in values]
    return {"name": name, "datatype": kind, "shape": shape, "data": data}


def read_outputs(answer: requests.Response) -> Outputs:
    """Read an answer; raises AssertionError with its text where it is an error."""
    assert answer.ok, answer.text
    return {
        each["name"]: np.array(each["data"], DTYPES[each["datatype"]]).reshape(each["shape"])
        for each in answer.json()["outputs"]
    }


def ask_jpeg(service: Service, picture: bytes, query: str = "") -> Outputs:
    url = infer_url(service) + query
    return read_outputs(requests.post(url, picture, headers=JPEG, timeout=SECONDS))


def ask_rest(service: Service, inputs: Inputs, outputs: Names = (), **parameters: Any) -> Outputs:
    body = {
        "inputs": [write_tensor(*each) for each in inputs.items()],
        "outputs": [{"name": name} for name in outputs],
        "parameters": parameters,
    }
    return read_outputs(requests.post(infer_url(service), json=body, timeout=SECONDS))


def ask_grpc(
    service: Service | SimpleNamespace, inputs: Inputs, outputs: Names = (), **parameters: Any
) -> Outputs:
    request = encode_request("unet", inputs, outputs)
    for name, value in parameters.items():
        field = "string_param" if isinstance(value, str) else "int64_param"
        request.parameters[name].CopyFrom(pb.InferParameter(**{field: value}))
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        answer = pb_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=SECONDS)
    return decode_response(answer)
