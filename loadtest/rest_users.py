"""Users over REST, each with its own kind of request."""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from locust import FastHttpUser, task

from loadtest import setup
from loadtest.checks import check_answer
from loadtest.pictures import DTYPES, Known
from tools.v2_json import image_tensor

UNREADABLE = (ValueError, KeyError, TypeError, IndexError, OSError)


@dataclass(frozen=True, slots=True)
class Body:
    """One request, and the pictures that its answer must fit."""

    content: bytes
    kind: str
    pictures: Sequence[Known]


def write_picture(picture: Known) -> Body:
    return Body(picture.content, "image/jpeg", [picture])


def write_json(pictures: Sequence[Known]) -> Body:
    """Write a V2 request with pictures in base64."""
    tensor = image_tensor(*(picture.content for picture in pictures))
    return Body(json.dumps({"inputs": [tensor]}).encode(), "application/json", pictures)


class RestUser(FastHttpUser):
    """What all REST users share: they ask, and check what comes."""

    abstract = True
    title: ClassVar[str] = ""

    def wait_time(self) -> float:
        return setup.get().options.think

    def make_bodies(self, shared: setup.Setup) -> Sequence[Body]:
        """Make the requests that go out in turn."""
        raise NotImplementedError

    def on_start(self) -> None:
        shared = setup.get()
        self.bodies: Iterator[Body] = itertools.cycle(self.make_bodies(shared))
        self.path = f"/v2/models/{shared.options.model}/infer"
        given = shared.options.host_header
        self.more = {"Host": given} if given else {}

    @task
    def infer(self) -> None:
        """Send a request whose answer must be right."""
        body = next(self.bodies)
        with self.client.post(
            self.path,
            data=body.content,  # type: ignore[arg-type]  # bytes are taken as they are
            headers={"Content-Type": body.kind} | self.more,
            name=self.title,
            catch_response=True,
        ) as answer:
            content = answer.content or b""
            if answer.status_code != 200:
                problem = f"{answer.status_code}: {content[:200]!r}"
            else:
                problem = self.check(body, content)
            if problem:
                answer.failure(problem)
            else:
                answer.success()

    def check(self, body: Body, content: bytes) -> str:
        """Say what is wrong with an answer; "" where nothing is."""
        try:
            arrays = {
                output["name"]: np.array(output["data"], DTYPES[output["datatype"]]).reshape(
                    output["shape"]
                )
                for output in json.loads(content)["outputs"]
            }
            points = setup.get().count_points(self.host or "")
            problem = check_answer(arrays, body.pictures, points)
        except UNREADABLE as error:
            problem = repr(error)
        return f"wrong answer: {problem}" if problem else ""


class JpegUser(RestUser):
    """Posts a picture as it is."""

    title, weight = "image/jpeg", 4

    def make_bodies(self, shared: setup.Setup) -> Sequence[Body]:
        return [write_picture(shared.picture)]


class JsonUser(RestUser):
    """Posts V2 requests with the picture in base64."""

    title, weight = "application/json", 2

    def make_bodies(self, shared: setup.Setup) -> Sequence[Body]:
        return [write_json([shared.picture])]


class GroupUser(RestUser):
    """Posts a picture of eight faces."""

    title = "group of 8"

    def make_bodies(self, shared: setup.Setup) -> Sequence[Body]:
        return [write_picture(shared.group)]


class RowUser(RestUser):
    """Posts several pictures in one request, in another order each time."""

    title = "4 pictures"

    def make_bodies(self, shared: setup.Setup) -> Sequence[Body]:
        return [write_json(shared.row), write_json(shared.row[::-1])]
