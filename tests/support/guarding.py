"""Mark the test that fails without a guard: what `python -m tools.guards` takes away."""

import pytest


def guards(
    file: str, text: str, *, becomes: str, name: str = "", case: str = ""
) -> pytest.MarkDecorator:
    """Return the marker of a test that must fail once `text` in `file` becomes `becomes`.

    `text` stands in the file once. The test's own name is the guard's, unless `name` says more
    (where a test has several guards, each has a name). A parametrized test fails in any of its
    cases; `case` names the one (the id in brackets) that is enough.
    """
    return pytest.mark.guards(file=file, text=text, becomes=becomes, name=name, case=case)
