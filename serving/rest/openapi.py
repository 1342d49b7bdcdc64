"""The OpenAPI description of the REST routes: openapi.json, with the served models filled in."""

import copy
from pathlib import Path
from typing import Any

import orjson

from serving.errors import CATALOGUE
from serving.model import Model

DESCRIPTION: dict[str, Any] = orjson.loads(Path(__file__).with_name("openapi.json").read_bytes())
PAGE = Path(__file__).with_name("docs.html").read_text()
DESCRIPTION["components"]["schemas"]["Error"]["properties"]["code"]["enum"] = list(CATALOGUE)
for status, response in DESCRIPTION["components"]["responses"].items():
    kinds = [kind for kind in CATALOGUE.values() if status == str(kind.http_status)]
    if kinds:
        response["description"] = " ".join(f"{kind.code}: {kind.__doc__}" for kind in kinds)


def describe_api(models: list[Model], release: str) -> dict[str, Any]:
    """Write the OpenAPI 3.1 document of a server with these models."""
    content = copy.deepcopy(DESCRIPTION)
    content["info"]["version"] = release
    content["info"]["description"] += "; ".join(describe_model(model) for model in models)
    for name, served in (
        ("model", {model.name for model in models}),
        ("version", {model.version for model in models}),
    ):
        if served:
            content["components"]["parameters"][name]["schema"]["enum"] = sorted(served)
    return content


def describe_model(model: Model) -> str:
    """Write one line about a model's tensors."""
    sides = [
        ", ".join(f"{s.name} {'|'.join(s.datatypes)} {list(s.shape)}" for s in specs)
        for specs in (model.list_inputs(), model.list_outputs())
    ]
    return f"{model.name} version {model.version}: {sides[0]} -> {sides[1]}"
