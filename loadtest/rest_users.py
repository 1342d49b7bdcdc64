"""Users over REST, each with its own kind of request."""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import ClassVar

from locust import FastHttpUser, task

from loadtest import setup
from loadtest.bodies import (
    Body,
    check_refusal,
    make_bad_bodies,
    read_outputs,
    write_binary,
    write_json,
    write_picture,
)
from loadtest.checks import check_answer
from loadtest.setup import Setup

UNREADABLE = (ValueError, KeyError, TypeError, IndexError, OSError)


class RestUser(FastHttpUser):
    """What all REST users share: they ask, and check what comes."""

    abstract = True
    title: ClassVar[str] = ""

    def wait_time(self) -> float:
        return setup.get().options.think

    def make_bodies(self, shared: Setup) -> Sequence[Body]:
        """Make the requests that go out in turn."""
        raise NotImplementedError

    def on_start(self) -> None:
        shared = setup.get()
        self.bodies: Iterator[Body] = itertools.cycle(self.make_bodies(shared))
        self.bad_bodies: Iterator[Body] = itertools.cycle(make_bad_bodies())
        self.path = f"/v2/models/{shared.options.model}/infer"
        given = shared.options.host_header
        self.more = {"Host": given} if given else {}

    @task
    def infer(self) -> None:
        """Send a request whose answer must be right, or a bad one that must be refused."""
        is_bad = random.random() < setup.get().options.bad
        body = next(self.bad_bodies if is_bad else self.bodies)
        with self.client.post(
            self.path,
            data=body.content,  # type: ignore[arg-type]  # bytes are taken as they are
            headers=body.headers | self.more,
            name="bad request" if is_bad else self.title,
            catch_response=True,
        ) as answer:
            content = answer.content or b""
            if is_bad:
                problem = check_refusal(answer.status_code, content)
            elif answer.status_code != 200:
                problem = f"{answer.status_code}: {content[:200]!r}"
            else:
                problem = self.check(body, content, answer.headers)
            if problem:
                answer.failure(problem)
            else:
                answer.success()

    def check(self, body: Body, content: bytes, headers) -> str:
        """Say what is wrong with an answer; "" where nothing is."""
        shared = setup.get()
        try:
            points, outputs = shared.count_points(self.host or ""), read_outputs(content, headers)
            problem = check_answer(outputs, body.pictures, points, shared.memory, shared.least)
        except UNREADABLE as error:
            problem = repr(error)
        return f"wrong answer: {problem}" if problem else ""


class JpegUser(RestUser):
    """Posts a picture as it is."""

    title, weight = "image/jpeg", 4

    def make_bodies(self, shared: Setup) -> Sequence[Body]:
        return [write_picture(picture) for picture in shared.pictures]


class JsonUser(RestUser):
    """Posts V2 requests with the picture in base64."""

    title, weight = "application/json", 2

    def make_bodies(self, shared: Setup) -> Sequence[Body]:
        return [write_json([picture]) for picture in shared.pictures]


class BinaryUser(RestUser):
    """Posts V2 requests with binary tensors, and gets such answers."""

    title, weight = "binary tensors", 2

    def make_bodies(self, shared: Setup) -> Sequence[Body]:
        return [write_binary([picture]) for picture in shared.pictures]


class GroupUser(RestUser):
    """Posts a picture of eight faces."""

    title = "group of 8"

    def make_bodies(self, shared: Setup) -> Sequence[Body]:
        return [write_picture(shared.group)]


class RowUser(RestUser):
    """Posts several pictures in one request, in another order each time."""

    title = "4 pictures"

    def make_bodies(self, shared: Setup) -> Sequence[Body]:
        return [write_json(shared.row), write_json(shared.row[::-1])]
