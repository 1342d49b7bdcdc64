"""Tell KServe that Kourier is the gateway (stdin and stdout: its ConfigMap as JSON)."""

import json
import sys

config = json.load(sys.stdin)
ingress = json.loads(config["data"]["ingress"])
ingress |= {
    "disableIstioVirtualHost": True,
    "ingressClassName": "kourier",
    "ingressDomain": "example.com",
}
config["data"]["ingress"] = json.dumps(ingress)
json.dump(config, sys.stdout)
