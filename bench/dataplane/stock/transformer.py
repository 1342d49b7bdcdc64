"""A transformer as KServe's custom transformer sample has it: all work in pre- and postprocess.

    python -m bench.dataplane.stock.transformer --http_port 8080 --model_name unet \\
        --predictor_host 127.0.0.1:8082 --predictor_protocol v2
"""

import argparse
import base64
import io

import kserve
import numpy as np
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from PIL import Image

from bench.detector.opencv import OPENCV
from predictor.decode import decode_heatmaps
from predictor.landmarks import DEFAULT
from serving.settings import read_settings
from transformer.crop import crop_face, place_square, to_picture
from transformer.detectors import find_detector, find_kind
from transformer.settings import TransformerSettings


class StockTransformer(kserve.Model):
    """A picture in base64 -> its landmarks, with the detector that ours has."""

    def __init__(self, name: str):
        super().__init__(name)
        path = find_detector(read_settings(TransformerSettings).detector)
        kind = OPENCV[find_kind(path).name]
        self.detector = kind(path, 640, kind.min_score)  # through OpenCV, as its samples do
        self.ready = True

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


parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])

if __name__ == "__main__":
    args, _ = parser.parse_known_args()
    kserve.ModelServer().start([StockTransformer(args.model_name)])
