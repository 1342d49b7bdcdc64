"""Checks of our own for Schemathesis, which loads this file; run by test_documented.py."""

import schemathesis


@schemathesis.check
def no_server_error(ctx, response, case):
    """No 5xx, but 504 for who left the server hardly any time."""
    if response.status_code == 504:
        given = response.request.headers["X-Request-Timeout"]
        assert float(given) < 5, f"504 though there were {given} seconds"
    else:
        assert response.status_code < 500, f"{response.status_code}: {response.text[:500]}"


@schemathesis.check
def errors_are_typed_and_short(ctx, response, case):
    """Every refusal has a code and a sentence, and nothing of our insides."""
    if response.status_code >= 400 and not case.path.endswith("/ready"):
        body = response.json()
        assert isinstance(body.get("error"), str), response.text[:500]
        assert body["code"] and 10 < len(body["error"]) < 600, body
        assert "Traceback" not in body["error"], body
