"""Ray Serve: python -m bench.peers.servers.rayserve_app PORT."""

import base64
import sys
import time
from typing import Any

import numpy as np
import ray
from ray import serve
from starlette.requests import Request

from bench.peers.servers.pipeline import WORKERS, describe, load_pipeline


@serve.deployment(ray_actor_options={"num_cpus": 0}, max_ongoing_requests=128)
class Faces:
    """One replica, which batches the faces of all callers."""

    def __init__(self):
        self.pipeline = load_pipeline()

    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.002)
    async def predict(self, many: list[np.ndarray]):
        points, scores = self.pipeline.predict(np.concatenate(many))
        ends = np.cumsum([len(faces) for faces in many])[:-1]
        return list(zip(np.split(points, ends), np.split(scores, ends), strict=True))

    async def __call__(self, request: Request):
        faces = np.frombuffer(await request.body(), np.uint8).reshape(-1, 1, 96, 96)
        points, scores = await self.predict(faces)
        return {"landmarks": points.tolist(), "scores": scores.tolist()}


@serve.deployment(num_replicas=WORKERS, ray_actor_options={"num_cpus": 0}, max_ongoing_requests=64)
class Pictures:
    """A replica a core, each with a pipeline of its own."""

    def __init__(self):
        self.pipeline = load_pipeline()

    async def __call__(self, request: Request):
        if request.headers.get("content-type") == "image/jpeg":
            return describe(self.pipeline.read([await request.body()]))
        given = (await request.json())["pictures"]
        return describe(self.pipeline.read([base64.b64decode(text) for text in given]))


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    faces: Any = Faces  # the decorator makes deployments of them
    pictures: Any = Pictures
    serve.run(faces.bind(), name="faces", route_prefix="/faces")
    serve.run(pictures.bind(), name="pictures", route_prefix="/pictures")
    while True:
        time.sleep(1)
