"""Both halves as KServe's custom model samples have them: what ours is measured against.

python -m bench.dataplane.stock --part predictor|transformer --model_name unet --http_port PORT ...
"""

import argparse
import base64
import io

import kserve
import numpy as np
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.utils.utils import get_predict_response
from PIL import Image

from predictor.decode import decode_heatmaps
from predictor.landmarks import DEFAULT
from serving.settings import read_settings
from transformer.crop import crop_face, place_square, to_picture
from transformer.detectors import find_detector, load_detector
from transformer.settings import TransformerSettings

CHECKPOINT = "models/simple_unet.pth"


class Predictor(kserve.Model):
    """Faces FP32 `[N,1,S,S]` -> heatmaps `[N,K,S,S]` as JSON, in eager torch."""

    def load(self) -> bool:
        from predictor.checkpoint import load_unet

        self.net = load_unet(CHECKPOINT)
        self.ready = True
        return self.ready

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        import torch

        faces = torch.from_numpy(payload.inputs[0].as_numpy().copy())
        with torch.inference_mode():
            heatmaps = self.net(faces)
        return get_predict_response(payload, heatmaps.numpy(), self.name)


class Transformer(kserve.Model):
    """A picture in base64 -> its landmarks, all work in pre- and postprocess."""

    def load(self) -> bool:
        path = find_detector(read_settings(TransformerSettings).detector)
        self.detector = load_detector(path, 640)
        self.ready = True
        return self.ready

    def preprocess(self, payload: InferRequest, headers=None) -> InferRequest:
        content = base64.b64decode(payload.inputs[0].data[0])
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        boxes, _ = self.detector.detect(pixels)
        self.squares = [place_square(box, DEFAULT.crop_scale) for box in boxes]
        crops = np.stack([crop_face(pixels, s, DEFAULT.side) for s in self.squares])[:, None]
        tensor = InferInput("input", list(crops.shape), "FP32", data=crops.astype(np.float32) / 255)
        return InferRequest(self.name, [tensor])

    def postprocess(self, result: InferResponse, headers=None, response_headers=None):
        points, _ = decode_heatmaps(result.outputs[0].as_numpy())
        landmarks = to_picture(points, self.squares[: len(points)], DEFAULT.side)
        output = InferOutput("landmarks", list(landmarks.shape), "FP32", data=landmarks.tolist())
        return InferResponse(result.id, self.name, [output])


if __name__ == "__main__":
    parts: dict[str, type[Predictor | Transformer]] = {
        "predictor": Predictor,
        "transformer": Transformer,
    }
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    parser.add_argument("--part", choices=parts, required=True)
    args, _ = parser.parse_known_args()
    model = parts[args.part](args.model_name)
    model.load()
    kserve.ModelServer().start([model])
