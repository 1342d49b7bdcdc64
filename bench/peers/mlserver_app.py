"""MLServer's runtimes: mlserver start FOLDER, whose settings bench.peers.install writes."""

import asyncio

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers.pipeline import load_pipeline


class Landmarks(MLModel):
    """A runtime with the pipeline in it."""

    async def load(self) -> bool:
        self.pipeline = load_pipeline()
        return True

    def answer(self, points: np.ndarray) -> InferenceResponse:
        output = NumpyCodec.encode_output("landmarks", points)
        return InferenceResponse(model_name=self.name, outputs=[output])


class Faces(Landmarks):
    """Faces in one tensor; the adaptive batcher joins those of several callers."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        faces = NumpyCodec.decode_input(payload.inputs[0]).astype(np.uint8)
        return self.answer(self.pipeline.predict(faces.reshape(-1, 1, 96, 96)))


class Pictures(Landmarks):
    """A picture as BYTES, a file in base64; MLServer runs one such process a core."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (content,) = self.decode(payload.inputs[0])
        return self.answer(await asyncio.to_thread(self.pipeline.read, content))
