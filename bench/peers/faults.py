"""What each server does when callers err, leave, come in crowds or send a bomb."""

import asyncio
import io
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import uvloop
from PIL import Image

from bench.dataplane.load import ask_in_turn
from bench.peers.callers import Caller, gather_some, make_caller, wait_right
from bench.peers.measure import Plan, Workload, make, make_workloads, wait_started
from bench.peers.process import Running, kill, read_resident, run_server
from bench.peers.table import Server

CROWD = 640  # callers: ten times the most of the measurements
CROWD_SECONDS = 3.0
CROWD_PATIENCE = 45.0
BOMB_SIDE = 10_000  # pixels; 12 kB that unfold to 300 MB of colour, before any network
MOST_MB = 4096  # what a container would be given: a server that takes more is ended


class Watch:
    """Asks for liveness ten times a second, and sums up memory, while a fault is tried."""

    def __init__(self, running: Running):
        self.running = running
        self.slowest, self.failed, self.most = 0.0, 0, 0.0
        self.ended = False

    async def __aenter__(self) -> "Watch":
        self.tasks = [asyncio.ensure_future(self.watch()), asyncio.ensure_future(self.weigh())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self.tasks)

    async def watch(self) -> None:
        while True:
            begun = time.perf_counter()
            try:
                async with asyncio.timeout(10):
                    alive = await ask_live(self.running)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                alive = False
            self.slowest = max(self.slowest, time.perf_counter() - begun)
            self.failed += not alive
            await asyncio.sleep(0.1)

    async def weigh(self) -> None:
        """Sum up memory, and end a server that takes what no container would give it."""
        pids = self.running.find_pids()
        while not self.ended:
            self.most = max(self.most, read_resident(pids))
            if self.most > MOST_MB:
                self.ended = True
                kill(pids)
            await asyncio.sleep(0.05)

    def describe(self) -> dict:
        told = {"live_ms": round(1000 * self.slowest), "live_failed": self.failed}
        return told | ({"ended": True} if self.ended else {})


async def ask_live(running: Running) -> bool:
    """Ask whether the server lives, on a connection of its own as the kubelet does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.ports["rest"])
    try:
        path = running.server.live
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readuntil(b"\r\n")
    finally:
        writer.close()


class Polite:
    """A caller who waits a second after a refusal, as Retry-After says."""

    def __init__(self, caller: Caller):
        self.caller, self.close = caller, caller.close

    async def ask(self) -> str:
        code = await self.caller.ask()
        if code != "200":
            await asyncio.sleep(1)
        return code


def try_faults(server: Server, plan: Plan, report: Callable[[str], None]) -> dict:
    """Start a server and try every fault on it; `problem` says why that can't be."""
    if server.missing:
        return {"problem": server.missing}
    with (
        run_server(server, plan.detector) as running,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        found = runner.run(try_each(running))
    report(f"{server.name} faults: {found}")
    return found


async def try_each(running: Running) -> dict:
    works = {work.name: work for work in make_workloads()}
    if problem := await wait_started(running, works["picture"]):
        return {"problem": problem}
    found = {"bad_picture": await try_bad(running, works["picture"], 7)}
    if "face" in running.server.asks:
        face = works["face"]
        if problem := await wait_right(lambda: make(running, face), face.check):
            return found | {"problem": problem}
        found["bad_face"] = await try_bad(running, face, 15)
        found["cancelled"] = await try_cancelled(running, face)
    crowd = works["face" if "face" in running.server.asks else "picture"]
    found["crowd"] = await try_crowd(running, crowd)
    found["bomb"] = await try_bomb(running, works["picture"])
    if found["bomb"].get("ended"):
        return found | {"after": {"right": False, "seconds": 0.0}}
    begun = time.perf_counter()
    work = works["picture"]
    problem = await wait_right(lambda: make(running, work), work.check)
    found["after"] = {"right": not problem, "seconds": round(time.perf_counter() - begun, 2)}
    return found


async def try_bad(running: Running, work: Workload, neighbours: int) -> dict:
    """Send one bad item among good ones, all at once, five times."""
    bad_codes, good, right = Counter[str](), 0, 0
    cut = work.faces[:, :, :8, :8]  # nobody's network takes so few pixels
    for _ in range(5):
        callers = [make(running, work) for _ in range(neighbours)]
        ask = running.server.asks[work.name]
        callers.insert(neighbours // 2, make_caller(running, ask, cut, [b"no picture" * 99]))
        codes = await gather_some([caller.ask() for caller in callers], 30)
        bad_codes[codes.pop(neighbours // 2)] += 1
        callers.pop(neighbours // 2)
        good += len(codes)
        right += sum(
            code == "200" and not check(work, caller)
            for code, caller in zip(codes, callers, strict=True)
        )
    return {"good": good, "right": right, "bad_codes": dict(bad_codes)}


def check(work: Workload, caller: Caller) -> str:
    try:
        return work.check(caller.read())
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return repr(error)


async def try_cancelled(running: Running, work: Workload) -> dict:
    """Let half of 32 callers leave after 15 ms, and see whether the rest is answered right."""
    stay, right = 16, 0
    for _ in range(3):
        staying = [make(running, work) for _ in range(stay)]
        leaving = [make(running, work) for _ in range(stay)]
        going = [asyncio.ensure_future(caller.ask()) for caller in leaving]
        asking = asyncio.ensure_future(gather_some([caller.ask() for caller in staying], 30))
        await asyncio.sleep(0.015)
        for task, caller in zip(going, leaving, strict=True):
            task.cancel()
            await caller.close()
        codes = await asking
        right += sum(
            code == "200" and not check(work, caller)
            for code, caller in zip(codes, staying, strict=True)
        )
    return {"good": 3 * stay, "right": right}


async def try_crowd(running: Running, work: Workload) -> dict:
    """Let ten times as many callers ask, and see who is answered, who refused, who dropped."""
    callers = [Polite(make(running, work)) for _ in range(CROWD)]
    try:
        async with Watch(running) as watch:
            async with asyncio.timeout(CROWD_PATIENCE):
                cell = await ask_in_turn(callers, CROWD_SECONDS, 0, 0)
    except TimeoutError:
        problem = f"some callers had no answer after {CROWD_PATIENCE:g} s"
        return {"problem": problem} | watch.describe()
    finally:
        for caller in callers:
            await caller.close()
    return {
        "codes": cell["codes"],
        "per_second": cell["per_second"],
        "p99": cell["ms"].get("p99"),
        "work": work.name,
    } | watch.describe()


async def try_bomb(running: Running, work: Workload) -> dict:
    """Send a picture that unfolds to 100 million pixels."""
    buffer = io.BytesIO()
    Image.new("1", (BOMB_SIDE, BOMB_SIDE)).save(buffer, "PNG")
    ask = running.server.asks[work.name]
    caller = make_caller(running, ask, work.faces, [buffer.getvalue()])
    before, begun = read_resident(running.find_pids()), time.perf_counter()
    async with Watch(running) as watch:
        codes = await gather_some([caller.ask()], 30)
    return {
        "codes": dict(Counter(codes)),
        "seconds": round(time.perf_counter() - begun, 2),
        "more_mb": round(max(0.0, watch.most - before)),
    } | watch.describe()
