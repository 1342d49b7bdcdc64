"""A predictor as KServe's custom model sample has it: eager torch, heatmaps as JSON.

python -m bench.dataplane.stock.predictor --http_port 8082 --model_name unet
"""

import argparse

import kserve
import torch
from kserve import InferRequest, InferResponse
from kserve.utils.utils import get_predict_response

from predictor.checkpoint import load_unet


class StockPredictor(kserve.Model):
    """Faces FP32 `[N,1,S,S]` -> heatmaps `[N,K,S,S]`."""

    def __init__(self, name: str, checkpoint: str):
        super().__init__(name)
        self.checkpoint = checkpoint
        self.load()

    def load(self) -> bool:
        self.net = load_unet(self.checkpoint)
        self.ready = True
        return self.ready

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        faces = torch.from_numpy(payload.inputs[0].as_numpy().copy())
        with torch.inference_mode():
            heatmaps = self.net(faces)
        return get_predict_response(payload, heatmaps.numpy(), self.name)


parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
parser.add_argument("--checkpoint", default="models/simple_unet.pth")

if __name__ == "__main__":
    args, _ = parser.parse_known_args()
    kserve.ModelServer().start([StockPredictor(args.model_name, args.checkpoint)])
