"""pytriton on Triton's server: python -m bench.peers.pytriton_app REST GRPC METRICS."""

import sys
from types import SimpleNamespace

import cv2
import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

# It needs NumPy 1 and so an older OpenCV, which has this elsewhere.
vars(cv2.utils)["logging"] = SimpleNamespace(setLogLevel=lambda _: None)
from bench.peers.pipeline import WORKERS, load_pipeline  # noqa: E402

pipeline = load_pipeline()


@batch
def locate(face: np.ndarray):
    return {"landmarks": pipeline.predict(face)}  # [N, 1, 96, 96]


def make_reader():
    """Make an instance: Triton calls each from a thread of its own."""

    @batch
    def read(image: np.ndarray):
        found = [pipeline.read(item[0]) for item in image]  # [N, 1] of bytes
        most = max(len(points) for points in found)
        points = np.full((len(found), most, 15, 2), np.nan, np.float32)  # one shape for a batch
        for row, faces in zip(points, found, strict=True):
            row[: len(faces)] = faces
        return {"landmarks": points}

    return read


if __name__ == "__main__":
    rest, grpc, metrics = map(int, sys.argv[1:4])
    config = TritonConfig(http_port=rest, grpc_port=grpc, metrics_port=metrics)
    with Triton(config=config) as triton:
        batcher = DynamicBatcher(max_queue_delay_microseconds=500)
        triton.bind(
            model_name="face",
            infer_func=locate,
            inputs=[Tensor(name="face", dtype=np.uint8, shape=(1, 96, 96))],
            outputs=[Tensor(name="landmarks", dtype=np.float32, shape=(15, 2))],
            config=ModelConfig(max_batch_size=16, batcher=batcher),
        )
        triton.bind(
            model_name="picture",
            infer_func=[make_reader() for _ in range(WORKERS)],
            inputs=[Tensor(name="image", dtype=np.bytes_, shape=(1,))],
            outputs=[Tensor(name="landmarks", dtype=np.float32, shape=(-1, 15, 2))],
            config=ModelConfig(max_batch_size=16, batching=True, batcher=DynamicBatcher()),
        )
        triton.serve()
