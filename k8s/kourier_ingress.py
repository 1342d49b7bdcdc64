"""Write a Kubernetes Ingress (stdin, JSON) as the one that Kourier serves.

Given "hidden", without the predictor's host: a NetworkPolicy, where one is enforced, does the same.
"""

import json
import sys


def translate_path(path: dict, namespace: str) -> dict:
    service = path["backend"]["service"]
    split = {
        "percent": 100,
        "serviceName": service["name"],
        "serviceNamespace": namespace,
        "servicePort": service["port"]["number"],
    }
    return {"path": path["path"], "splits": [split]}


def asks_transformer(rule: dict, name: str) -> bool:
    services = {path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    return services == {f"{name}-transformer"}


def translate(ingress: dict, hidden: bool) -> dict:
    """Keep hosts, paths and services; the result goes away with the InferenceService."""
    meta = ingress["metadata"]
    asked = ingress["spec"]["rules"]
    if hidden:  # one process has no transformer, and nothing to hide
        asked = [rule for rule in asked if asks_transformer(rule, meta["name"])] or asked
    rules = [
        {
            "hosts": [rule["host"]],
            "visibility": "ExternalIP",
            "http": {
                "paths": [translate_path(p, meta["namespace"]) for p in rule["http"]["paths"]]
            },
        }
        for rule in asked
    ]
    return {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "Ingress",
        "metadata": {
            "name": f"{meta['name']}-standard",
            "namespace": meta["namespace"],
            "ownerReferences": meta["ownerReferences"],
            "annotations": {
                "networking.knative.dev/ingress.class": "kourier.ingress.networking.knative.dev"
            },
        },
        "spec": {"httpOption": "Enabled", "rules": rules},
    }


json.dump(translate(json.load(sys.stdin), "hidden" in sys.argv), sys.stdout)
