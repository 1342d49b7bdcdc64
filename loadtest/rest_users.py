"""Users over REST, each with its own kind of request."""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from locust import FastHttpUser, task

from loadtest import setup
from loadtest.checks import check_answer
from loadtest.pictures import DTYPES, Known
from tools.v2_json import image_tensor

UNREADABLE = (ValueError, KeyError, TypeError, IndexError, OSError)
Body = tuple[bytes, str, Sequence[Known]]  # its media type, and the pictures that it has


def write_picture(picture: Known) -> Body:
    return picture.content, "image/jpeg", [picture]


def write_json(pictures: Sequence[Known]) -> Body:
    """Write a V2 request with pictures in base64."""
    tensor = image_tensor(*(picture.content for picture in pictures))
    return json.dumps({"inputs": [tensor]}).encode(), "application/json", pictures


class RestUser(FastHttpUser):
    """What all REST users share: they ask, and check what comes."""

    abstract = True
    title: ClassVar[str] = ""

    def wait_time(self) -> float:
        return setup.current.options.think

    def make_bodies(self, shared: setup.Setup) -> Sequence[Body]:
        """Make the requests that go out in turn."""
        raise NotImplementedError

    def on_start(self) -> None:
        shared = setup.current
        self.bodies: Iterator[Body] = itertools.cycle(self.make_bodies(shared))
        self.path = f"/v2/models/{shared.options.model}/infer"
        self.more = {"Host": given} if (given := shared.options.host_header) else {}

    @task
    def infer(self) -> None:
        """Send a request whose answer must be right."""
        body, kind, pictures = next(self.bodies)
        with self.client.post(
            self.path,
            data=body,  # type: ignore[arg-type]  # bytes are taken as they are
            headers={"Content-Type": kind} | self.more,
            name=self.title,
            catch_response=True,
        ) as answer:
            content = answer.content or b""
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {content[:200]!r}")
            elif problem := self.check(content, pictures):
                answer.failure(f"wrong answer: {problem}")

    def check(self, content: bytes, pictures: Sequence[Known]) -> str:
        """Say what is wrong with an answer; "" where nothing is."""
        try:
            arrays = {
                one["name"]: np.array(one["data"], DTYPES[one["datatype"]]).reshape(one["shape"])
                for one in json.loads(content)["outputs"]
            }
            points = setup.current.count_points(self.host or "")
            return check_answer(arrays, pictures, points)
        except UNREADABLE as error:
            return repr(error)


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
