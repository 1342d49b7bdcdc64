"""Who may come in at once and with how many bytes, and who may manage models."""

import contextlib

import pytest

from serving.admission import UPLOADS, Admission
from serving.errors import MAX_WAIT, Forbidden, Overloaded
from serving.guard import check_manager
from serving.settings import ServerSettings


async def test_admission_gives_back_what_it_took():
    admission = Admission(ServerSettings(max_inflight=1), "predictor")
    with pytest.raises(ValueError), admission.enter() as ticket:
        ticket.add(10)
        with pytest.raises(Overloaded), admission.enter():
            pass
        raise ValueError
    assert admission.requests == admission.uploads == admission.bytes == 0


def test_nobody_is_told_to_stay_away_for_long():
    assert Overloaded("", 1e6).retry_after == MAX_WAIT


async def test_uploads_take_no_place_of_those_in_flight():
    admission = Admission(ServerSettings(max_inflight=1), "predictor")
    with contextlib.ExitStack() as stack:
        for _ in range(UPLOADS):
            slow = stack.enter_context(admission.enter(upload=True))
        with pytest.raises(Overloaded, match="bodies"), admission.enter(upload=True):
            pass
        with admission.enter(), pytest.raises(Overloaded, match="1 of 1"):
            slow.end_upload()
        slow.end_upload()
        assert admission.requests == 1
    assert admission.requests == admission.uploads == admission.bytes == 0


OPEN = ServerSettings(repository_api=True)
CLOSED = ServerSettings(repository_api=True, repository_token="s3cret")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:80", "[::1]:8080", "localhost"])
def test_this_machine_may(host):
    check_manager(OPEN, "127.0.0.1", {"host": host})
    check_manager(OPEN, "::ffff:127.0.0.1", {"host": host})
    check_manager(OPEN, "[::1]", {})  # gRPC names no host
    check_manager(OPEN, "[::ffff:127.0.0.1]", {})


@pytest.mark.parametrize(
    "address, headers",
    [
        ("192.0.2.1", {}),
        ("::ffff:192.0.2.1", {}),
        ("", {}),
        ("127.0.0.1", {"host": "rebound.example:8080"}),
        ("127.0.0.1", {"host": "127.0.0.1:8080", "origin": "https://any.example"}),
        ("127.0.0.1", {"host": "127.0.0.1:8080", "origin": "null"}),
    ],
)
def test_other_machines_and_web_pages_may_not(address, headers):
    with pytest.raises(Forbidden, match="LANDMARKS_REPOSITORY_TOKEN"):
        check_manager(OPEN, address, headers)


def test_a_token_opens_it_to_whoever_has_it():
    check_manager(CLOSED, "192.0.2.1", {"authorization": "Bearer s3cret"})
    for given in ("", "Bearer ", "Bearer s3cre", "s3cret", "Bearer é"):
        with pytest.raises(Forbidden):
            check_manager(CLOSED, "127.0.0.1", {"authorization": given})
