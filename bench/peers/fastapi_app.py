"""FastAPI: uvicorn bench.peers.fastapi_app:app --port 8080."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fastapi import FastAPI, Request

from bench.peers.pipeline import WORKERS, load_pipeline

app = FastAPI()
pipeline = load_pipeline()
pool = ThreadPoolExecutor(WORKERS)  # its default pool of 40 threads collapses on two cores


async def run(work, *arguments):
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


@app.post("/faces")
async def faces(request: Request):
    given = np.frombuffer(await request.body(), np.uint8).reshape(-1, 1, 96, 96)
    return {"landmarks": (await run(pipeline.predict, given)).tolist()}


@app.post("/picture")
async def picture(request: Request):
    return {"landmarks": (await run(pipeline.read, await request.body())).tolist()}
