"""The service over gRPC; needs the extra: pip install 'landmarks-client[grpc]'."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faces import ServiceError
from .names import SET_HEADER, read_names
from .over_rest import DTYPES, LOOPBACK, read_retry_after

SERVICE = "/inference.GRPCInferenceService"
CODE = "landmarks-error-code"  # in the trailing metadata, as REST's "code"


class GrpcTransport:
    """A model at a gRPC address, host:port. Threads may share it."""

    def __init__(
        self, address: str, model: str, timeout: float, headers: Mapping[str, str] | None = None
    ):
        try:
            import grpc

            from . import landmarks_client_pb2 as pb
        except ImportError as error:
            text = f"gRPC needs {error.name}: pip install 'landmarks-client[grpc]'."
            raise ServiceError("no_grpc", text) from error
        self.grpc, self.pb = grpc, pb
        self.address, self.model, self.timeout = f"{address}/{model}", model, timeout
        self.metadata = [(name.lower(), value) for name, value in (headers or {}).items()]
        local = address.rpartition(":")[0].strip("[]") in LOOPBACK
        options = [("grpc.enable_http_proxy", 0)] if local else []
        self.channel = grpc.insecure_channel(address, options)
        self.call_infer = self.channel.unary_unary(
            f"{SERVICE}/ModelInfer", pb.InferRequest.SerializeToString, pb.InferResponse.FromString
        )
        self.call_config = self.channel.unary_unary(
            f"{SERVICE}/ModelConfig",
            pb.ConfigRequest.SerializeToString,
            pb.ConfigResponse.FromString,
        )

    def infer(self, content: bytes) -> tuple[dict[str, NDArray], str]:
        """Send a picture; return the outputs by name, and the digest of the points' names."""
        request = self.pb.InferRequest(
            model_name=self.model,
            inputs=[self.pb.InferRequest.Input(name="image", datatype="BYTES", shape=[1])],
            raw_input_contents=[len(content).to_bytes(4, "little") + content],
        )
        answer, call = self.ask(self.call_infer, request)
        told = dict(call.trailing_metadata() or ())
        try:
            arrays = {
                output.name: np.frombuffer(raw, DTYPES[output.datatype]).reshape(
                    tuple(output.shape)
                )
                for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True)
            }
        except (KeyError, ValueError):
            text = f"{self.address} answers as no landmarks service does."
            raise ServiceError("other_service", text) from None
        return arrays, str(told.get(SET_HEADER, ""))

    def ask_names(self) -> list[str]:
        """Ask the model's configuration for the names of its points."""
        answer, _ = self.ask(self.call_config, self.pb.ConfigRequest(name=self.model))
        return read_names({k: v.string_value for k, v in answer.config.parameters.items()})

    def ask(self, method: Any, request: Any) -> tuple[Any, Any]:
        """Make a call; raises ServiceError with the service's own code where it gave one."""
        try:
            return method.with_call(request, timeout=self.timeout, metadata=self.metadata)
        except (ValueError, TypeError) as error:  # a name or value that metadata can't hold
            text = f"{self.address} cannot be asked ({error})."
            raise ServiceError("bad_address", text) from None
        except self.grpc.RpcError as error:
            told = dict(error.trailing_metadata() or ())
            status = error.code().name.lower()
            code = told.get(CODE) or ("unreachable" if status == "unavailable" else status)
            wait = read_retry_after(told.get("retry-after"))
            raise ServiceError(code, error.details() or "", wait) from None

    def close(self) -> None:
        self.channel.close()
