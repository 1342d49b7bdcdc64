"""Tell KServe that Kourier is the gateway (stdin: its ConfigMap as JSON; stdout: what to apply)."""

import json
import sys

config = json.load(sys.stdin)
ingress = json.loads(config["data"]["ingress"])
ingress |= {
    "disableIstioVirtualHost": True,
    "ingressClassName": "kourier",
    "ingressDomain": "example.com",
}
meta = {key: config["metadata"][key] for key in ("name", "namespace")}
data = {"ingress": json.dumps(ingress)}
json.dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, sys.stdout)
