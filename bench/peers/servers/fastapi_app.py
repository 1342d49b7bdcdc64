"""FastAPI: uvicorn bench.peers.servers.fastapi_app:app --port 8080."""

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fastapi import FastAPI, Request
from pydantic import BaseModel

from bench.peers.servers.pipeline import WORKERS, describe, load_pipeline

app = FastAPI()
pipeline = load_pipeline()
pool = ThreadPoolExecutor(WORKERS)  # its default pool of 40 threads collapses on two cores


class Pictures(BaseModel):
    pictures: list[str]  # base64


async def run(work, *arguments):
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


@app.post("/faces")
async def faces(request: Request):
    given = np.frombuffer(await request.body(), np.uint8).reshape(-1, 1, 96, 96)
    points, scores = await run(pipeline.predict, given)
    return {"landmarks": points.tolist(), "scores": scores.tolist()}


@app.post("/picture")
async def picture(request: Request):
    return describe(await run(pipeline.read, [await request.body()]))


@app.post("/pictures")
async def pictures(body: Pictures):
    given = [base64.b64decode(text) for text in body.pictures]
    return describe(await run(pipeline.read, given))


@app.get("/health")
async def health():
    return {}
