"""Check an object against the kserve SDK's own model classes, key by key."""

import re
from typing import Any

import kubernetes.client
from kserve import models

ALIASES = {"K8sIoApiAppsV1DeploymentStrategy": "V1DeploymentStrategy"}
SCALARS: dict[str, Any] = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def check(value: object, kind: str, path: str = "") -> None:
    """Raise AssertionError where the value is not what the SDK's class of this name holds."""
    if inner := re.fullmatch(r"list\[(.+)\]", kind, re.I):
        assert isinstance(value, list), f"{path} is no list"
        for index, item in enumerate(value):
            check(item, inner[1], f"{path}[{index}]")
    elif inner := re.fullmatch(r"dict\((?:str), (.+)\)", kind):
        assert isinstance(value, dict), f"{path} is no mapping"
        for key, item in value.items():
            check(item, inner[1], f"{path}.{key}")
    elif kind in SCALARS:
        assert isinstance(value, SCALARS[kind]), f"{path} is no {kind}: {value!r}"
    elif kind not in ("object", "datetime") and (model := find_model(kind)):
        assert isinstance(value, dict), f"{path} is no mapping"
        fields = {model.attribute_map[name]: inner for name, inner in model.openapi_types.items()}
        for key, item in value.items():
            assert key in fields, f"{kind} has no {path}.{key}"
            check(item, fields[key], f"{path}.{key}")


def find_model(kind: str) -> Any:
    """Find a class of the KServe SDK or of the Kubernetes client."""
    kind = ALIASES.get(kind, kind)
    model = getattr(models, kind, None) or getattr(kubernetes.client, kind, None)
    return model if hasattr(model, "openapi_types") else None
