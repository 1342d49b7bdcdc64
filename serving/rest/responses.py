"""How a connection's answers leave: in turn, and cut off where the caller does not read them.

This file overrides private parts of uvicorn: requirements/constraints.txt pins the version.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class AnswerProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose answers have to be read in time."""

    answer_seconds = 20.0
    answer_timer: asyncio.TimerHandle | None = None  # cuts a caller who does not read
    answers = 0
    running: RequestResponseCycle | None = None  # `cycle` is the latest, which may wait in line

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells the latest request alone; those before it would write to nobody.
        for cycle in (self.running, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)
        self.unset_answer_timer()

    def is_busy(self) -> bool:
        """Check whether an answer is owed or under way."""
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.answers += 1
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.set_answer_timer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.set_answer_timer()

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # to close would wait for a caller who does not read
        else:
            super().timeout_keep_alive_handler()

    def set_answer_timer(self) -> None:
        """Look in `answer_seconds` whether the caller reads what is being written now."""
        if self.answer_timer is None:
            self.answer_timer = self.loop.call_later(
                self.answer_seconds, self.check_answer, self.answers
            )

    def check_answer(self, answers: int) -> None:
        self.answer_timer = None
        if self.transport.get_write_buffer_size():
            if answers == self.answers:
                self.transport.abort()
            else:
                self.set_answer_timer()

    def unset_answer_timer(self) -> None:
        if self.answer_timer is not None:
            self.answer_timer.cancel()
            self.answer_timer = None
