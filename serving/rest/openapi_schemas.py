"""The JSON Schemas of what goes in and out over REST."""

from typing import Any

from serving.errors import CATALOGUE, ServingError
from serving.messages import DTYPES

Json = dict[str, Any]

REF = "#/components/schemas/"
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
OBJECT = {"type": "object"}


def make_list(items: Json) -> Json:
    return {"type": "array", "items": items}


def make_object(optional: Json | None = None, **required: Json) -> Json:
    """Make the schema of an object with these properties, others allowed."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
    }


TENSOR_TYPE = TEXT | {"enum": list(DTYPES)}
METADATA = make_list(
    make_object(name=TEXT, datatype=TENSOR_TYPE, shape=make_list({"type": "integer"}))
)
STATE = make_object(
    name=TEXT, version=TEXT, state=TEXT | {"enum": ["READY", "UNAVAILABLE"]}, reason=TEXT
)
STATISTICS = make_object(
    name=TEXT,
    version=TEXT,
    last_inference=COUNT,
    inference_count=COUNT,
    execution_count=COUNT,
    inference_stats=OBJECT,
    batch_stats=make_list(OBJECT),
)
LANDMARK_SET = make_object(
    points=make_list(TEXT),
    mirror=make_list(make_list(TEXT)),
    unit=make_list(TEXT),
    side=COUNT,
    crop_scale={"type": "number"},
)

SCHEMAS: Json = {
    "Object": OBJECT,
    "Server": make_object(name=TEXT, version=TEXT, extensions=make_list(TEXT)),
    "Live": make_object(live=FLAG),
    "Ready": make_object(ready=FLAG),
    "Models": make_object(models=make_list(TEXT)),
    "Model": make_object(
        {"parameters": make_object({"landmarks": LANDMARK_SET})},
        name=TEXT,
        versions=make_list(TEXT),
        platform=TEXT,
        inputs=METADATA,
        outputs=METADATA,
    ),
    "ModelReady": make_object(name=TEXT, ready=FLAG),
    "Statistics": make_object(model_stats=make_list(STATISTICS)),
    "Index": make_list(STATE),
    "Load": make_object(name=TEXT, load=FLAG),
    "Unload": make_object(name=TEXT, unload=FLAG),
    "Tensor": make_object(
        {"parameters": OBJECT, "data": make_list({})},
        name=TEXT,
        datatype=TENSOR_TYPE,
        shape=make_list(COUNT),
    ),
    "InferRequest": make_object(
        {
            "id": TEXT,
            "parameters": OBJECT,
            "outputs": make_list(make_object({"parameters": OBJECT}, name=TEXT)),
        },
        inputs=make_list({"$ref": REF + "Tensor"}),
    ),
    "InferResponse": make_object(
        {"model_version": TEXT, "id": TEXT, "parameters": OBJECT},
        model_name=TEXT,
        outputs=make_list({"$ref": REF + "Tensor"}),
    ),
    "Error": make_object(error=TEXT, code=TEXT | {"enum": list(CATALOGUE)}),
}

INFER_HEADERS = [
    {"name": name, "in": "header", "required": False, "schema": schema, "description": what}
    for name, schema, what in (
        ("Inference-Header-Content-Length", COUNT, "Bytes of JSON before raw data"),
        (
            "X-Request-Timeout",
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e6},
            "Seconds in which the answer is of use",
        ),
        ("X-Request-ID", TEXT, "Comes back in the answer and stands in the log"),
    )
]
INFER_EXAMPLE = {  # the smallest face, a black one
    "inputs": [{"name": "face", "datatype": "UINT8", "shape": [1, 1, 16, 16], "data": [0] * 256}]
}


def describe_errors(kinds: list[type[ServingError]]) -> Json:
    """Write the answer of one status, which these errors share."""
    lines = [f"{kind.code}: {(kind.__doc__ or '').strip()}" for kind in kinds]
    content = {"application/json": {"schema": {"$ref": REF + "Error"}}}
    return {"description": " ".join(lines), "content": content}
