"""What works beside the event loop leaves it its turns."""

import asyncio

from serving.aside import run_aside


async def test_the_loop_goes_round_between_two_jobs():
    rounds, seen = 0, list[int]()

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(run_aside(lambda: seen.append(rounds)) for _ in range(50)))
    counting.cancel()
    assert len(set(seen)) == 50
