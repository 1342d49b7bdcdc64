"""A custom model as KServe's samples have it, to measure ours against: PIL, eager torch, JSON.

python -m bench.dataplane.stock --http_port PORT --grpc_port PORT
"""

import argparse
import base64
import io

import kserve
import numpy as np
import torch
from kserve import InferOutput, InferRequest, InferResponse
from PIL import Image

from predictor.checkpoint import load_unet
from predictor.decode import decode_heatmaps
from predictor.landmarks import DEFAULT
from serving.faces import place_square
from transformer.crops.crop import crop_face, to_picture
from transformer.detectors import find_detector, load_detector
from transformer.settings import TransformerSettings


class Stock(kserve.Model):
    """A picture in base64 -> its landmarks, with the weights and the detector that ours has."""

    def load(self) -> bool:
        self.net = load_unet("models/simple_unet.pth")
        self.detector = load_detector(find_detector(TransformerSettings().detector))
        self.ready = True
        return self.ready

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        content = base64.b64decode(payload.inputs[0].data[0])
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        boxes, _ = self.detector.search(pixels, self.detector.min_score)
        squares = [place_square(box, DEFAULT) for box in boxes]
        crops = np.stack([crop_face(pixels, s, DEFAULT) for s in squares])
        with torch.inference_mode():
            heatmaps = self.net(torch.from_numpy(crops.astype(np.float32) / 255))
        points = to_picture(decode_heatmaps(heatmaps.numpy())[0], squares, DEFAULT.side)
        output = InferOutput("landmarks", list(points.shape), "FP32", data=points.tolist())
        return InferResponse(payload.id, self.name, [output])


if __name__ == "__main__":
    argparse.ArgumentParser(parents=[kserve.model_server.parser]).parse_known_args()
    model = Stock("unet")
    model.load()
    kserve.ModelServer().start([model])
