# What the service is tested with (make cluster-test). Sourced.
# shellcheck shell=bash disable=SC2034
KIND_NODE=kindest/node:v1.34.4   # kind v0.30 or later
CERT_MANAGER=v1.17.0
KNATIVE=knative-v1.21.1     # Serving and Kourier, what KServe v0.20.0's own install scripts name
KOURIER=knative-v1.21.0
KSERVE=v0.20.0
KEDA=v2.18.0
METRICS_SERVER=v0.9.0
PROMETHEUS_OPERATOR=v0.83.0
HTTP_PORT=${CLUSTER_HTTP_PORT:-8080}   # 127.0.0.1:HTTP_PORT is the ingress
CLUSTER_NAME=${CLUSTER_NAME:-landmarks}
CONTEXT=${CONTEXT:-kind-$CLUSTER_NAME}   # every step names it: no other cluster of yours is ever touched
