"""LitServe: python -m bench.peers.servers.litserve_app PORT. Its bodies are JSON, hence base64."""

import base64
import sys

import litserve
import numpy as np

from bench.peers.servers.pipeline import WORKERS, describe, load_pipeline


class Faces(litserve.LitAPI):
    """One worker, which batches the faces of all callers."""

    def setup(self, device):
        self.pipeline = load_pipeline()

    def decode_request(self, request):
        raw = base64.b64decode(request["faces"])
        return np.frombuffer(raw, np.uint8).reshape(-1, 1, 96, 96)

    def batch(self, inputs):
        self.counts = [len(faces) for faces in inputs]
        return np.concatenate(inputs)

    def predict(self, faces):
        return self.pipeline.predict(faces)

    def unbatch(self, output):
        ends = np.cumsum(self.counts)[:-1]
        return list(zip(np.split(output[0], ends), np.split(output[1], ends), strict=True))

    def encode_response(self, output):
        return {"landmarks": output[0].tolist(), "scores": output[1].tolist()}


class Pictures(litserve.LitAPI):
    """A worker a core, each with a pipeline of its own."""

    def setup(self, device):
        self.pipeline = load_pipeline()

    def decode_request(self, request):
        return [base64.b64decode(text) for text in request["pictures"]]

    def predict(self, pictures):
        return self.pipeline.read(pictures)

    def encode_response(self, output):
        return describe(output)


if __name__ == "__main__":
    server = litserve.LitServer(
        [
            Faces(api_path="/faces", max_batch_size=16, batch_timeout=0.002),
            Pictures(api_path="/pictures"),
        ],
        accelerator="cpu",
        workers_per_device=WORKERS,
    )
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
