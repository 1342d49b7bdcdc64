"""Time the pipeline that comparison (a) serves, without any server: python -m bench.peers.bare.

As many threads as the peers' have work on a picture of one face, by itself and in batches.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from bench.peers.servers.pipeline import WORKERS, OurPipeline
from loadtest.known import make_portrait

BATCHES = (1, 16)
SECONDS = 4.0


def measure_bare(pipeline: OurPipeline, pictures: list[bytes], seconds: float) -> dict[str, float]:
    """Return pictures a second, and the processor milliseconds of one."""

    def work(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            pipeline.read(pictures)
            count += len(pictures)
        return count

    begun, spent = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(WORKERS) as threads:
        count = sum(threads.map(work, [begun + seconds] * WORKERS))
    took, spent = time.perf_counter() - begun, time.process_time() - spent
    return {"per_second": round(count / took, 1), "cpu_ms": round(1000 * spent / count, 2)}


def main() -> None:
    pipeline, picture = OurPipeline(), make_portrait(640, 480).content
    for batch in BATCHES:
        measure_bare(pipeline, [picture] * batch, 1)  # warms up
        print(f"batches of {batch}: {measure_bare(pipeline, [picture] * batch, SECONDS)}")


if __name__ == "__main__":
    main()
