"""What predictor and transformer share: the protocol, its errors, the server."""

import os
import sys

# OpenVINO and NNCF post an event to a host of analytics, and write a client id into $HOME, as
# soon as they are imported; without this package of theirs they do not.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
# gRPC's core writes lines of its own form to stderr, in which ours are JSON.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
