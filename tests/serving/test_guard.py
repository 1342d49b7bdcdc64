"""Who may list, load and unload models."""

import pytest

from serving.errors import Forbidden
from serving.guard import check_manager
from serving.settings import ServerSettings

OPEN, CLOSED = ServerSettings(), ServerSettings(repository_token="s3cret")


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
