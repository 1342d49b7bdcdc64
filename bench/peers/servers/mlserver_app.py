"""MLServer's runtimes: mlserver start FOLDER, whose settings bench.peers.table writes."""

import asyncio

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers.servers.pipeline import load_pipeline


class Faces(MLModel):
    """Faces in one tensor; the adaptive batcher joins those of several callers."""

    async def load(self) -> bool:
        self.pipeline = load_pipeline()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        faces = NumpyCodec.decode_input(payload.inputs[0]).astype(np.uint8)
        points, scores = self.pipeline.predict(faces.reshape(-1, 1, 96, 96))
        outputs = [
            NumpyCodec.encode_output("landmarks", points),
            NumpyCodec.encode_output("scores", scores),
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)


class Pictures(MLModel):
    """Pictures as BYTES, each a file in base64; MLServer runs one such process a core."""

    async def load(self) -> bool:
        self.pipeline = load_pipeline()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        pictures = list(self.decode(payload.inputs[0]))
        found = await asyncio.to_thread(self.pipeline.read, pictures)
        counts = [len(points) for points in found]
        some = [points for points in found if len(points)]
        points = np.concatenate(some or [np.empty((0, 15, 2), np.float32)])
        outputs = [
            NumpyCodec.encode_output("landmarks", points.astype(np.float32)),
            NumpyCodec.encode_output("image_index", np.repeat(np.arange(len(found)), counts)),
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
