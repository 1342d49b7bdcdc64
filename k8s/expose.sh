#!/usr/bin/env bash
# k8s/expose.sh NAMESPACE NAME: a Standard-mode InferenceService answers on the kind cluster's ingress.
# KServe writes a Kubernetes Ingress for it; Kourier serves Knative's kind of ingress only, so this
# gives it the same hosts and services. A cluster with an ingress controller needs none of this.
# (kind.sh install does it; CONTEXT names another cluster than kind.sh's.)
set -euo pipefail
[ $# = 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
. "$(dirname "$0")/versions.sh"
kube() { kubectl --context "$CONTEXT" -n "$namespace" "$@"; }
namespace=$1
if ! ingress=$(kube get ingress.networking.k8s.io "$2" -o json); then
  echo "expose.sh: $2 has no Ingress in namespace $1: only modes keda, external and none have one, once it is Ready." >&2
  exit 1
fi
# With predictor.exposed there is no such policy, or one that lets the ingress in.
hidden=$(kube get networkpolicy "$2-predictor" -o name 2>/dev/null || true)
echo "$ingress" |
  python3 "$(dirname "$0")/kourier_ingress.py" ${hidden:+hidden} | kube apply --server-side --force-conflicts -f -
kube wait --for=condition=NetworkConfigured "ingresses.networking.internal.knative.dev/$2-standard" --timeout=60s
