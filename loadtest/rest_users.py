"""Users over REST, each with its own kind of request."""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from typing import ClassVar

from locust import FastHttpUser, task

from loadtest import setup
from loadtest.checks import check_answer
from loadtest.known import Known
from loadtest.rest_bodies import (
    Body,
    check_refusal,
    make_bad_bodies,
    read_outputs,
    write_binary,
    write_json,
    write_picture,
)

UNREADABLE = (ValueError, KeyError, TypeError, IndexError, OSError)


class RestUser(FastHttpUser):
    """What all REST users share: they ask, and check what comes."""

    abstract = True
    title: ClassVar[str] = ""

    def wait_time(self) -> float:
        return setup.get().options.think

    def make_bodies(self) -> Sequence[Body]:
        """Make the requests that go out in turn."""
        raise NotImplementedError

    def on_start(self) -> None:
        shared = setup.get()
        self.bodies: Iterator[Body] = itertools.cycle(self.make_bodies())
        self.bad_bodies: Iterator[Body] = itertools.cycle(make_bad_bodies())
        self.path = f"/v2/models/{shared.options.model}/infer"
        given = shared.options.host_header
        self.more = {"Host": given} if given else {}

    @task
    def infer(self) -> None:
        if random.random() < setup.get().options.bad:
            self.ask_badly(next(self.bad_bodies))
        else:
            self.ask(next(self.bodies))

    def ask(self, body: Body) -> None:
        """Send a request whose answer must be right."""
        shared = setup.get()
        with self.client.post(
            self.path,
            data=body.content,  # type: ignore[arg-type]  # bytes are taken as they are
            headers=body.headers | self.more,
            name=self.title,
            catch_response=True,
        ) as answer:
            content = answer.content or b""
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {content[:200]!r}")
                self.look_for_model(answer.status_code, content)
                return
            took = answer.request_meta["response_time"]
            shared.stages.note(answer.headers.get("server-timing", ""), took)
            try:
                points = shared.count_points(self.host or "")
                outputs = read_outputs(content, answer.headers)
                pictures, memory = body.pictures, shared.memory
                problem = check_answer(outputs, pictures, points, memory, shared.least)
            except UNREADABLE as error:
                problem = repr(error)
            if problem:
                answer.failure(f"wrong answer: {problem}")

    def ask_badly(self, body: Body) -> None:
        """Send a request that must be refused with a sentence."""
        with self.client.post(
            self.path,
            data=body.content,  # type: ignore[arg-type]
            headers=body.headers | self.more,
            name="bad request",
            catch_response=True,
        ) as answer:
            if problem := check_refusal(answer.status_code, answer.content or b""):
                answer.failure(problem)
            else:
                answer.success()

    def look_for_model(self, status: int, content: bytes) -> None:
        """End the run where there is no such model: no answer can ever be right."""
        try:
            told = json.loads(content) if status == 404 else {}
        except ValueError:
            return
        if isinstance(told, dict) and told.get("code") == "model_not_found":
            model = setup.get().options.model
            sentence = f"The service has no model '{model}': {told.get('error')}"
            setup.get().give_up(self.environment, sentence)


class JpegUser(RestUser):
    """Posts a picture as it is."""

    title = "image/jpeg"
    weight = 4

    def make_bodies(self) -> Sequence[Body]:
        return [write_picture(picture) for picture in setup.get().pictures]


class JsonUser(RestUser):
    """Posts V2 requests with the picture in base64."""

    title = "application/json"
    weight = 2

    def make_bodies(self) -> Sequence[Body]:
        return [write_json([picture]) for picture in setup.get().pictures]


class BinaryUser(RestUser):
    """Posts V2 requests with binary tensors, and gets such answers."""

    title = "binary tensors"
    weight = 2

    def make_bodies(self) -> Sequence[Body]:
        return [write_binary([picture]) for picture in setup.get().pictures]


class GroupUser(RestUser):
    """Posts a picture of eight faces."""

    title = "group of 8"

    def make_bodies(self) -> Sequence[Body]:
        return [write_picture(setup.get().group)]


class RowUser(RestUser):
    """Posts several pictures in one request, in another order each time."""

    title = "4 pictures"

    def make_bodies(self) -> Sequence[Body]:
        orders: list[list[Known]] = [setup.get().row, setup.get().row[::-1]]
        return [write_json(order) for order in orders]


class MixUser(RestUser):
    """Posts all of these kinds in turn, as one caller with many needs; only when named."""

    title = "mix"

    def make_bodies(self) -> Sequence[Body]:
        shared = setup.get()
        single = [write(p) for p in shared.pictures for write in (write_picture, write_single)]
        return [*single, write_picture(shared.group), write_json(shared.row)]


def write_single(picture: Known) -> Body:
    return write_binary([picture])
