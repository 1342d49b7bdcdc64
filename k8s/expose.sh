#!/usr/bin/env bash
# k8s/expose.sh NAMESPACE NAME: a Standard-mode InferenceService answers on the kind cluster's ingress.
# KServe writes a Kubernetes Ingress for it; Kourier serves Knative's kind of ingress only, so this
# gives it the same hosts and services. A cluster with an ingress controller needs none of this.
set -euo pipefail
[ $# = 2 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
kubectl -n "$1" get ingress.networking.k8s.io "$2" -o json |
  python3 "$(dirname "$0")/kourier_ingress.py" | kubectl apply --server-side --force-conflicts -f -
kubectl -n "$1" wait --for=condition=NetworkConfigured \
  "ingresses.networking.internal.knative.dev/$2-standard" --timeout=60s
