#!/usr/bin/env bash
# k8s/kind.sh up|load|prometheus|install|test|down: the whole service on a kind cluster of your own.
#
#   up          cluster with cert-manager, Knative Serving, Kourier and KServe (and KEDA with WITH_KEDA=1)
#   load        builds the images and gives them to the cluster
#   prometheus  builds a small Prometheus that reads PodMonitors, and runs it (for autoscaling.mode keda)
#   install     helm install landmarks ./helm, waits for Ready, prints the curl that works from here
#   test        helm test landmarks, then one picture through the ingress
#   down        removes the cluster
#
# Needs docker, kind, kubectl, helm, python3, curl and a network. Where the releases can't be had,
# CLUSTER_TOOLS names a folder with up, down, build-image, load-image and serving/install that stand in.
# CLUSTER_NAME (landmarks), CLUSTER_HTTP_PORT (8080), NAMESPACE and RELEASE (landmarks) may be set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. k8s/versions.sh
. k8s/cluster.sh
usage() { sed -n '2,13s/^# \{0,1\}//p' k8s/kind.sh >&2; exit 2; }

namespace=${NAMESPACE:-landmarks}
release=${RELEASE:-landmarks}
tag=$(sed -n 's/^appVersion: *"\(.*\)"/\1/p' helm/Chart.yaml)
# The default engine on the CPU.
requirements=${REQUIREMENTS:-predictor.txt}
# The detector that `make models` could have, or DETECTOR: an image never takes another than it is told.
had=$(ls models/detector 2>/dev/null || true)
case $had in *yunet* | "") had=yunet ;; *) had=centerface ;; esac
detector=${DETECTOR:-$had}

load() {
  local revision
  revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
  echo "landmarks-transformer:$tag with the detector $detector"
  build_image "landmarks-transformer:$tag" Dockerfile.transformer \
    --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" --build-arg "DETECTOR=$detector"
  build_image "landmarks-standalone:$tag" Dockerfile.transformer --target standalone \
    --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" --build-arg "DETECTOR=$detector"
  build_image "landmarks-predictor:$tag" Dockerfile.predictor \
    --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" --build-arg "REQUIREMENTS=$requirements"
  load_images "landmarks-transformer:$tag" "landmarks-predictor:$tag" "landmarks-standalone:$tag"
}

prometheus() {
  build_image landmarks-prometheus:2 k8s/prometheus/Dockerfile
  load_images landmarks-prometheus:2
  kube get crd podmonitors.monitoring.coreos.com >/dev/null 2>&1 || apply -f k8s/prometheus/crds.yaml
  patiently apply -f k8s/prometheus/prometheus.yaml
  kube -n monitoring create configmap discover --from-file=k8s/prometheus/discover.py --dry-run=client -o yaml |
    apply -f -
  kube -n monitoring rollout status deployment/prometheus --timeout=120s
}

install() {
  helm upgrade --install "$release" helm --kube-context "$CONTEXT" --namespace "$namespace" \
    --create-namespace --values k8s/values-kind.yaml "$@"
  kube -n "$namespace" wait --for=condition=Ready "inferenceservice/$release" --timeout=180s
  if [ "$(service '{.metadata.annotations.serving\.kserve\.io/deploymentMode}')" = Standard ]; then
    CONTEXT=$CONTEXT k8s/expose.sh "$namespace" "$release"
  fi
  echo
  echo "curl -H 'Host: $(host)' -H 'Content-Type: image/jpeg' \\"
  echo "  --data-binary @tests/assets/astronaut.jpg http://127.0.0.1:$HTTP_PORT/v2/models/unet/infer"
}

service() { kube -n "$namespace" get inferenceservice "$release" -o "jsonpath=$1"; }
host() { service '{.status.url}' | cut -d/ -f3; }

check() {
  helm test "$release" --kube-context "$CONTEXT" --namespace "$namespace"   # a pod that failed stays: kubectl logs
  curl --fail --silent --show-error --max-time 60 -H "Host: $(host)" -H 'Content-Type: image/jpeg' \
    --data-binary @tests/assets/astronaut.jpg "http://127.0.0.1:$HTTP_PORT/v2/models/unet/infer" | cut -c1-300
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
  up | load | prometheus | install | test | down) check_tools ;;
  *) usage ;;
esac
case $command in
  up) cluster_up ;;
  load) load ;;
  prometheus) prometheus ;;
  install) install "$@" ;;
  test) check ;;
  down) remove_cluster ;;
esac
