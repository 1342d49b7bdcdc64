"""BentoML: bentoml serve bench.peers.servers.bentoml_app:Landmarks --port 8080."""

import base64

import bentoml
import numpy as np

from bench.peers.servers.pipeline import WORKERS, load_pipeline


@bentoml.service(workers=1, threads=WORKERS, traffic={"timeout": 60, "max_concurrency": 128})
class Landmarks:
    """Faces in batches of all callers, pictures on a thread each."""

    def __init__(self) -> None:
        self.pipeline = load_pipeline()

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=1000)
    def faces(self, faces: np.ndarray) -> np.ndarray:
        return self.pipeline.predict(faces.astype(np.uint8).reshape(-1, 1, 96, 96))

    @bentoml.api
    def picture(self, picture: str) -> dict:
        return {"landmarks": self.pipeline.read(base64.b64decode(picture)).tolist()}
