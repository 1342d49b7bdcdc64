"""A WebSocket by uvicorn and wsproto, with the bounds that a request over REST has.

The bytes of a message are counted with those of all requests as they arrive, also before it is
whole. Who reads too slowly is dropped, and is not read from meanwhile.
"""

from contextlib import ExitStack
from typing import Any

from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto import events

from serving.admission import Admission, Ticket
from serving.errors import ServingError
from serving.rest.connection import FREE_CHUNKS, MIN_CHUNK_BYTES, SPARE_SECONDS, ReadingTimer
from serving.settings import ServerSettings

TOO_MUCH, TOO_LARGE, LATER = 1008, 1009, 1013  # codes with which a WebSocket is closed


class BoundedSocket(ReadingTimer, WSProtocol):
    """A WebSocket whose messages have a place among the uploads; the application finds it as
    `place` in the scope."""

    def __init__(self, admission: Admission, settings: ServerSettings, **parts: Any):
        super().__init__(**parts)
        self.admission, self.answer_seconds = admission, settings.answer_seconds
        self.close_timeout = SPARE_SECONDS  # for the other side's word of farewell
        self.places = ExitStack()
        self.place: Ticket | None = None
        self.frames = 0

    def handle_connect(self, event: events.Request) -> None:
        super().handle_connect(event)
        try:
            self.place = self.places.enter_context(self.admission.enter(upload=True))
        except ServingError as error:  # which the application tells
            self.scope["state"]["refused"] = error
        self.scope["state"]["place"] = self.place

    def handle_message(self, event: events.TextMessage | events.BytesMessage) -> None:
        size = len(event.data.encode() if isinstance(event.data, str) else event.data)
        self.frames = 1 if self.buffer.value is None else self.frames + 1
        if self.frames > FREE_CHUNKS + self.buffer.length // MIN_CHUNK_BYTES:
            self.refuse(TOO_MUCH, "The message is cut into too many small frames.")
            return
        if self.buffer.length + size > self.buffer.max_length:
            self.refuse(TOO_LARGE, f"A message has at most {self.buffer.max_length} bytes.")
            return
        if self.place is not None:
            try:
                self.place.add(size)
            except ServingError as error:
                self.refuse(LATER, error.message)
                return
        super().handle_message(event)

    def refuse(self, code: int, reason: str) -> None:
        """Close the connection in the middle of a message, with a reason.

        What still arrives is let go by for a while: to close at once would reset the connection.
        """
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        reason = reason[:120]  # of the 125 bytes of a frame that controls
        self.transport.write(self.conn.send(events.CloseConnection(code=code, reason=reason)))
        self.close_timer = self.loop.call_later(SPARE_SECONDS, self.transport.abort)

    async def send(self, message: Any) -> None:
        await super().send(message)
        self.answers += 1
        if self.transport.get_write_buffer_size():
            self.time_answer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()  # each ping that arrives would add a pong
        self.time_answer()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer_timer is not None:
            self.answer_timer.cancel()
        self.places.close()
        super().connection_lost(exc)
