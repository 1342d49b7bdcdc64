"""An engine that answers with each face's own number, and how the batcher is asked."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from predictor.batcher import Batcher
from predictor.decode import Reader
from predictor.engines.base import Engine
from predictor.landmarks import DEFAULT

BAD = 255  # a face that breaks the run it is in


class FakeEngine(Engine):
    """Answers with each face's own number, so that a mix-up shows; slow when told."""

    name, max_batch, size, channels = "fake", 8, (96, 96), 1
    reader, landmarks = Reader(), DEFAULT

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds
        self.batches: list[int] = []
        self.numbers: list[list[int]] = []  # which faces each run had
        self.gate = threading.Event()
        self.gate.set()

    def open(self, model, manifest, threads):
        pass

    def run(self, faces):
        return np.zeros((len(faces), 15, 96, 96), np.float32)

    def predict(self, faces):
        self.gate.wait(10)
        self.batches.append(len(faces))
        time.sleep(self.seconds)
        numbers = faces[:, 0, 0, 0].astype(np.float32)
        self.numbers.append(numbers.astype(int).tolist())
        if BAD in numbers:
            raise RuntimeError("a bad face")
        return np.tile(numbers[:, None, None], (1, 15, 2)), np.ones((len(faces), 15), np.float32)


def make_faces(*numbers: int, dtype=np.uint8) -> np.ndarray:
    faces = np.zeros((len(numbers), 1, 96, 96), dtype)
    faces[:, 0, 0, 0] = numbers
    return faces


def make_batcher(engine: Engine, queue: int = 4096, **settings) -> Batcher:
    return Batcher(engine, ThreadPoolExecutor(1), queue, **settings)


async def ask(batcher: Batcher, *numbers: int, seconds: float = 30.0, dtype=np.uint8) -> list[int]:
    deadline = time.monotonic() + seconds
    arrays, _ = await batcher.submit(make_faces(*numbers, dtype=dtype), deadline)
    return arrays[0][:, 0, 0].astype(int).tolist()


async def hold(**settings) -> tuple[FakeEngine, Batcher, asyncio.Task]:
    batcher = make_batcher(engine := FakeEngine(), **settings)
    engine.gate.clear()
    task = asyncio.create_task(ask(batcher, 1))
    while not (batcher.running or task.done()):
        await asyncio.sleep(0)
    return engine, batcher, task
