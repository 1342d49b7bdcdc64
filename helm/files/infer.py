"""Send one picture to the service and want the points of one face (run by `helm test`).

python infer.py HOST:PORT MODEL rest|grpc PICTURE SECONDS
"""

import http.client
import json
import sys
import time

import grpc


def ask_rest(address: str, model: str, picture: bytes, timeout: float) -> list[int]:
    """POST the JPEG as it is; gives the shape of the landmarks."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    path = f"/v2/models/{model}/infer"
    connection.request("POST", path, picture, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"HTTP {answer.status}: {body[:300]!r}")
    outputs = json.loads(body)["outputs"]
    return next(output["shape"] for output in outputs if output["name"] == "landmarks")


def ask_grpc(address: str, model: str, picture: bytes, timeout: float) -> list[int]:
    """Send the JPEG as a BYTES tensor; gives the shape of the landmarks."""
    sys.path.append("/app")  # of the service's image, which has no more of KServe than it uses
    from serving.framework import pb, pb_grpc

    image = pb.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])
    image.contents.bytes_contents.append(picture)
    with grpc.insecure_channel(address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        request = pb.ModelInferRequest(model_name=model, inputs=[image])
        answer = stub.ModelInfer(request, timeout=timeout, wait_for_ready=True)
    return next(list(output.shape) for output in answer.outputs if output.name == "landmarks")


def main() -> None:
    address, model, protocol, path, seconds = sys.argv[1:]
    timeout = float(seconds)
    with open(path, "rb") as file:
        picture = file.read()
    ask = ask_grpc if protocol == "grpc" else ask_rest
    begun = time.monotonic()
    while True:  # the service may still be starting
        try:
            shape = ask(address, model, picture, timeout)
            break
        except (OSError, RuntimeError, grpc.RpcError, http.client.HTTPException) as error:
            if time.monotonic() - begun > timeout:
                raise SystemExit(f"no answer in {timeout:g} s: {error}") from None
            print(f"not yet: {error}", flush=True)
            time.sleep(1)
    if len(shape) != 3 or shape[::2] != [1, 2] or shape[1] < 1:
        raise SystemExit(f"landmarks have the shape {shape}, not [1, K, 2]")
    print(f"{shape[1]} points of one face after {time.monotonic() - begun:.2f} s")


if __name__ == "__main__":
    main()
