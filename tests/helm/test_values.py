"""Each value of values.yaml does something, and that is what its name says."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.conftest import WHOLE, list_paths, merge, needs_helm, nest, read_values, render

ELSEWHERE = {"checkKServe"}  # test_cluster_checks.py: it takes a cluster to see


def read_turns() -> list[dict]:
    """Read turns.yaml, with NAME as either component."""
    rows = yaml.safe_load((Path(__file__).parent / "turns.yaml").read_text())
    turns = []
    for row in rows:
        names = ("transformer", "predictor") if "NAME" in row["path"] else ("",)
        turns += [json.loads(json.dumps(row).replace("NAME", name)) for name in names]
    return turns


TURNS = read_turns()


def look(document: Any, where: str) -> Any:
    """Follow a path of keys and indices; a dot in a key is written ~. None: nothing there."""
    for part in filter(None, where.split(".")):
        key = part.replace("~", ".")
        if isinstance(document, list):
            document = document[int(key)] if -len(document) <= int(key) < len(document) else None
        else:
            document = (document or {}).get(key)
    return document


def test_every_value_is_turned():
    values = read_values()
    sections = {path.rpartition(".")[0] for path in list_paths(values, WHOLE)}
    leaves = {path for path in list_paths(values, WHOLE) if path not in sections}
    turned = [turn["path"] for turn in TURNS]
    assert len(set(turned)) == len(turned)
    assert set(turned) | ELSEWHERE == leaves


@needs_helm
@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn["path"])
def test_a_value_turned_is_seen(turn):
    kind, _, name = turn["kind"].partition(":")
    more, seen = turn.get("more", {}), turn["seen"]
    before = choose(render(given=more), kind, name)
    after = choose(render(given=merge(more, nest(turn["path"], turn["value"]))), kind, name)
    found = look(after, turn["where"])
    if isinstance(seen, dict) and isinstance(found, dict):
        found = {key: found.get(key) for key in seen}  # the chart may add to it
    if isinstance(seen, str) and seen.startswith("> "):  # the end of an expression
        found = found[-len(seen) :]
    assert found == seen
    assert look(before, turn["where"]) != look(after, turn["where"])


def choose(documents: list[dict], kind: str, name: str) -> dict | None:
    """Return the first object of the kind (and name), or None."""
    return next(
        (d for d in documents if d["kind"] == kind and name in ("", d["metadata"]["name"])), None
    )
