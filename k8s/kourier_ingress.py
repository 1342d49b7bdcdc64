"""Write a Kubernetes Ingress (stdin, JSON) as the one that Kourier serves."""

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


def translate(ingress: dict) -> dict:
    """Keep hosts, paths and services; the result goes away with the InferenceService."""
    meta = ingress["metadata"]
    rules = [
        {
            "hosts": [rule["host"]],
            "visibility": "ExternalIP",
            "http": {
                "paths": [translate_path(p, meta["namespace"]) for p in rule["http"]["paths"]]
            },
        }
        for rule in ingress["spec"]["rules"]
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


json.dump(translate(json.load(sys.stdin)), sys.stdout)
