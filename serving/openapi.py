"""The OpenAPI description of the REST routes, and a page that shows it."""

from typing import Any

from serving.errors import CATALOGUE, ServingError
from serving.messages import DTYPES
from serving.model import Model

Json = dict[str, Any]

MODEL = {"{model}": "a model's name", "{version}": "a model's version"}
VERSIONED = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")

ROUTES = [  # path, method, what it does
    ("/v2", "get", "Server metadata"),
    ("/v2/health/live", "get", "Whether the process answers"),
    ("/v2/health/ready", "get", "Whether every model is ready"),
    ("/v2/models", "get", "Names of the models"),
    ("/v2/models/stats", "get", "Statistics of all models"),
    ("/v2/repository/index", "post", "Models that are served or could be"),
    ("/v2/repository/models/{model}/load", "post", "Load a model, or load it anew"),
    ("/v2/repository/models/{model}/unload", "post", "Stop serving a model"),
    ("/metrics", "get", "Prometheus metrics"),
    ("/openapi.json", "get", "This description"),
    ("/docs", "get", "This description as a page"),
    *(
        (prefix + end, method, what)
        for prefix in VERSIONED
        for end, method, what in (
            ("", "get", "Model metadata"),
            ("/ready", "get", "Whether the model is ready"),
            ("/config", "get", "Model configuration"),
            ("/stats", "get", "Statistics of the model"),
            ("/infer", "post", "Inference"),
        )
    ),
]


def describe_api(models: list[Model], release: str) -> Json:
    """Write the OpenAPI 3.1 document of a server with these models."""
    paths: dict[str, Json] = {}
    for path, method, what in ROUTES:
        paths.setdefault(path, {})[method] = describe_operation(path, what)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"landmarks {models[0].service if models else ''}".strip(),
            "version": release,
            "description": "Open Inference Protocol (V2). Models: "
            + "; ".join(describe_model(model) for model in models),
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS, "responses": {"Error": ERROR}},
    }


def describe_model(model: Model) -> str:
    """Write one line about a model's tensors."""
    sides = [
        ", ".join(f"{s.name} {'|'.join(s.datatypes)} {list(s.shape)}" for s in specs)
        for specs in (model.inputs, model.outputs)
    ]
    return f"{model.name} version {model.version}: {sides[0]} -> {sides[1]}"


def describe_operation(path: str, what: str) -> Json:
    """Write one method of one path."""
    operation: Json = {
        "summary": what,
        "responses": {"200": {"description": what}, "default": {"$ref": REF + "responses/Error"}},
    }
    parameters = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in path.split("/")
        if part in MODEL
    ]
    if path.endswith("/infer"):
        parameters += INFER_HEADERS
        picture = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": REF + "schemas/InferRequest"}},
                "application/octet-stream": picture,
                **{f"image/{kind}": picture for kind in ("jpeg", "png", "webp")},
            },
        }
        answer = {"application/json": {"schema": {"$ref": REF + "schemas/InferResponse"}}}
        operation["responses"]["200"]["content"] = answer | {"application/octet-stream": picture}
    if path.endswith("/ready"):
        operation["responses"]["503"] = {"description": "Not ready"}
    if parameters:
        operation["parameters"] = parameters
    return operation


REF = "#/components/"
TEXT = {"type": "string"}
LENGTHS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
OBJECT = {"type": "object"}
INFER_HEADERS = [
    {"name": name, "in": "header", "required": False, "schema": schema, "description": what}
    for name, schema, what in (
        ("Inference-Header-Content-Length", {"type": "integer"}, "Bytes of JSON before raw data"),
        ("X-Request-Timeout", {"type": "number"}, "Seconds in which the answer is of use"),
        ("X-Request-ID", TEXT, "Comes back in the answer and stands in the log"),
    )
]
TENSOR = {
    "name": TEXT,
    "datatype": {"type": "string", "enum": list(DTYPES)},
    "shape": LENGTHS,
    "parameters": OBJECT,
    "data": {"type": "array", "items": {}},
}
SCHEMAS: Json = {
    "Tensor": {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": TENSOR,
    },
    "InferRequest": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": TEXT,
            "parameters": OBJECT,
            "inputs": {"type": "array", "items": {"$ref": REF + "schemas/Tensor"}},
            "outputs": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": TEXT, "parameters": OBJECT},
                },
            },
        },
    },
    "InferResponse": {
        "type": "object",
        "required": ["model_name", "outputs"],
        "properties": {
            "model_name": TEXT,
            "model_version": TEXT,
            "id": TEXT,
            "outputs": {"type": "array", "items": {"$ref": REF + "schemas/Tensor"}},
        },
    },
}
ERROR: Json = {
    "description": "; ".join(
        f"{kind.http_status} {code}: {(kind.__doc__ or '').strip()}"
        for code, kind in CATALOGUE.items()
        if kind is not ServingError
    ),
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {
                            "code": {"type": "string", "enum": list(CATALOGUE)},
                            "message": TEXT,
                        },
                    }
                },
            }
        }
    },
}

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
