"""LitServe: python -m bench.peers.litserve_app PORT. Its bodies are JSON, hence base64."""

import base64
import sys

import litserve
import numpy as np

from bench.peers.pipeline import WORKERS, load_pipeline


class Faces(litserve.LitAPI):
    """One worker, which batches the faces of all callers."""

    def setup(self, device):
        self.pipeline = load_pipeline()

    def decode_request(self, request):
        raw = base64.b64decode(request["faces"])
        return np.frombuffer(raw, np.uint8).reshape(-1, 1, 96, 96)

    def batch(self, inputs):
        self.ends = np.cumsum([len(faces) for faces in inputs])[:-1]
        return np.concatenate(inputs)

    def predict(self, faces):
        return self.pipeline.predict(faces)

    def unbatch(self, output):
        return np.split(output, self.ends)

    def encode_response(self, output):
        return {"landmarks": output.tolist()}


class Pictures(litserve.LitAPI):
    """A worker a core, each with a pipeline of its own."""

    def setup(self, device):
        self.pipeline = load_pipeline()

    def decode_request(self, request):
        return base64.b64decode(request["picture"])

    def predict(self, content):
        return self.pipeline.read(content)

    def encode_response(self, output):
        return {"landmarks": output.tolist()}


if __name__ == "__main__":
    faces = Faces(api_path="/faces", max_batch_size=16, batch_timeout=0.002)
    server = litserve.LitServer(
        [faces, Pictures(api_path="/picture")], accelerator="cpu", workers_per_device=WORKERS
    )
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
