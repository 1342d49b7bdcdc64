"""Who may come in at once, and with how many bytes."""

import contextlib

import pytest

from serving.admission import UPLOADS, Admission
from serving.errors import MAX_WAIT, Overloaded
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
