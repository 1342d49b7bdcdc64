"""What an operator sets is taken, refused with a sentence, or named as of no effect."""

import pytest

from serving.settings import find_unknown, read_settings
from transformer.settings import TransformerSettings


@pytest.mark.parametrize(
    "name, value",
    [("REQUEST_SECONDS", "inf"), ("HEAD_SECONDS", "1e-9"), ("MAX_BODY_BYTES", "9" * 20)],
)
def test_a_limit_has_limits(monkeypatch, name, value):
    monkeypatch.setenv(f"LANDMARKS_{name}", value)
    with pytest.raises(SystemExit, match=f"LANDMARKS_{name}: Input should be"):
        read_settings(TransformerSettings)


def test_empty_is_unset(monkeypatch):
    for name in ("DETECTOR", "MAX_INFLIGHT", "PREDICTOR"):
        monkeypatch.setenv(f"LANDMARKS_{name}", "")
    assert read_settings(TransformerSettings) == TransformerSettings()


def test_what_nothing_reads_is_named_with_what_is_near():
    variables = {
        "LANDMARKS_MAX_INFLIGT": "5",
        "LANDMARKS_MAX_FACES": "5",
        "PATH": "/",
        "landmarks_workers": "1",
    }
    of_kubernetes = ("SERVICE_HOST", "PORT", "PORT_80_TCP_ADDR", "UNET_SERVICE_PORT_HTTP")
    variables |= {f"LANDMARKS_{name}": "x" for name in of_kubernetes}
    told = find_unknown(TransformerSettings, variables, ["--htp_port=1", "x"], ["--http_port"])
    assert told == (
        "LANDMARKS_MAX_INFLIGT (is LANDMARKS_MAX_INFLIGHT meant?), "
        "--htp_port (is --http_port meant?)"
    )
