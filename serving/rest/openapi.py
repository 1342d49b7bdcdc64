"""The OpenAPI description of the REST routes, and a page that shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serving.errors import (
    CATALOGUE,
    Cancelled,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotFound,
    ServingError,
)
from serving.model import Model
from serving.rest.accept import DRAWN
from serving.rest.openapi_schemas import (
    INFER_EXAMPLE,
    INFER_HEADERS,
    REF,
    SCHEMAS,
    TEXT,
    describe_errors,
)

Json = dict[str, Any]
Errors = tuple[type[ServingError], ...]

MODEL_ERRORS: Errors = (ModelNotFound,)
CLOSED: Errors = (NotFound,)
UNSEEN = (NotFound, MethodNotAllowed, Cancelled)  # by who asks the right address and waits
INFER_ERRORS: Errors = tuple(kind for kind in CATALOGUE.values() if kind not in UNSEEN)
RAW = {"schema": {"type": "string", "format": "binary"}}


@dataclass(frozen=True, slots=True)
class Operation:
    """A route's method: what it does, the schema or media type of its answer, its errors."""

    path: str
    method: str
    what: str
    answer: str
    errors: Errors = ()


OPERATIONS = [
    Operation("/v2", "get", "Server metadata", "Server"),
    Operation("/v2/health/live", "get", "Whether the process answers", "Live"),
    Operation("/v2/health/ready", "get", "Whether every model is ready", "Ready"),
    Operation("/v2/models", "get", "Names of the models", "Models"),
    Operation("/v2/models/stats", "get", "Statistics of all models", "Statistics"),
    Operation(
        "/v2/repository/index", "post", "Models that are served or could be", "Index", CLOSED
    ),
    Operation(
        "/v2/repository/models/{model}/load",
        "post",
        "Load a model, or load it anew",
        "Load",
        (*CLOSED, ModelNotFound, InvalidRequest),
    ),
    Operation(
        "/v2/repository/models/{model}/unload",
        "post",
        "Stop serving a model",
        "Unload",
        (*CLOSED, ModelNotFound),
    ),
    Operation("/metrics", "get", "Prometheus metrics", "text/plain"),
    Operation("/openapi.json", "get", "This description", "Object"),
    Operation("/docs", "get", "This description as a page", "text/html"),
    *(
        Operation(prefix + end, method, what, answer, errors)
        for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
        for end, method, what, answer, errors in (
            ("", "get", "Model metadata", "Model", MODEL_ERRORS),
            ("/ready", "get", "Whether the model is ready", "ModelReady", MODEL_ERRORS),
            ("/config", "get", "Model configuration", "Object", MODEL_ERRORS),
            ("/stats", "get", "Statistics of the model", "Statistics", MODEL_ERRORS),
            ("/infer", "post", "Inference", "InferResponse", INFER_ERRORS),
        )
    ),
]


def describe_api(models: list[Model], release: str) -> Json:
    """Write the OpenAPI 3.1 document of a server with these models."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        described = describe_operation(operation, models)
        paths.setdefault(operation.path, {})[operation.method] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"landmarks {models[0].service if models else ''}".strip(),
            "version": release,
            "description": "Open Inference Protocol (V2). Models: "
            + "; ".join(describe_model(model) for model in models),
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def describe_model(model: Model) -> str:
    """Write one line about a model's tensors."""
    sides = [
        ", ".join(f"{s.name} {'|'.join(s.datatypes)} {list(s.shape)}" for s in specs)
        for specs in (model.inputs, model.list_outputs())
    ]
    return f"{model.name} version {model.version}: {sides[0]} -> {sides[1]}"


def describe_operation(operation: Operation, models: list[Model]) -> Json:
    """Write one method of one path."""
    infers = operation.path.endswith("/infer")
    answer: Json = {"description": operation.what, "content": describe_answer(operation.answer)}
    content: Json = {"summary": operation.what, "responses": {"200": answer}}
    if infers:
        answer["content"]["application/octet-stream"] = RAW
        if any(model.draws for model in models):
            answer["content"] |= dict.fromkeys(DRAWN, RAW)
    for status in sorted({kind.http_status for kind in operation.errors}):
        kinds = [kind for kind in operation.errors if kind.http_status == status]
        content["responses"][str(status)] = describe_errors(kinds)
    if operation.path.endswith("/ready"):
        content["responses"]["503"] = answer | {"description": "Not ready"}
    parameters = [*describe_path(operation.path, models), *(INFER_HEADERS if infers else ())]
    if parameters:
        content["parameters"] = parameters
    if infers:
        json = {"schema": {"$ref": REF + "InferRequest"}, "example": INFER_EXAMPLE}
        pictures = {f"image/{kind}": RAW for kind in ("jpeg", "png", "webp")}
        bodies = {"application/json": json, "application/octet-stream": RAW} | pictures
        content["requestBody"] = {"required": True, "content": bodies}
    return content


def describe_answer(answer: str) -> Json:
    """Write the content of an answer: text of a media type, or JSON that follows a schema."""
    if "/" in answer:
        return {answer: {"schema": TEXT}}
    return {"application/json": {"schema": {"$ref": REF + answer}}}


def describe_path(path: str, models: list[Model]) -> Iterable[Json]:
    """Write a path's parameters, of models that are served with the values there are."""
    served = {
        "{model}": sorted({model.name for model in models}),
        "{version}": sorted({model.version for model in models}),
    }
    for part in path.split("/"):
        if part in served:
            lies = path.startswith("/v2/repository") or not served[part]  # may not be served yet
            schema = TEXT if lies else TEXT | {"enum": served[part]}
            yield {"name": part[1:-1], "in": "path", "required": True, "schema": schema}


PAGE = """<!doctype html><meta charset="utf-8"><title>landmarks</title>
<style>body{font:15px/1.5 system-ui;max-width:60em;margin:2em auto;padding:0 1em}
code{font-size:14px}td{padding:.2em 1em .2em 0;vertical-align:top}
b{text-transform:uppercase}</style>
<h1 id="title"></h1><p id="about"></p><table id="routes"></table>
<p>The description itself: <a href="openapi.json">openapi.json</a></p>
<script>
fetch("openapi.json").then(answer => answer.json()).then(api => {
  title.textContent = api.info.title + " " + api.info.version;
  about.textContent = api.info.description;
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const cells = routes.insertRow();
      const verb = document.createElement("b"), code = document.createElement("code");
      verb.textContent = method; code.textContent = path;
      cells.insertCell().append(verb); cells.insertCell().append(code);
      cells.insertCell().append(operation.summary);
    }
});
</script>
"""
