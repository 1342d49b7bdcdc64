#!/usr/bin/env bash
# k8s/kind.sh up|load|install|test|down: the whole service on a kind cluster of your own.
#
#   up       cluster with cert-manager, Knative Serving, Kourier and KServe (and KEDA with WITH_KEDA=1)
#   load     builds both images and gives them to the cluster; prometheus: the same for a Prometheus
#   install  helm install landmarks ./helm, waits for Ready, prints the curl that works from here
#   test     helm test landmarks, then one picture through the ingress
#   down     removes the cluster
#
# Needs docker, kind, kubectl, helm and a network. Where the releases can't be had, CLUSTER_TOOLS
# names a folder with up, down, build-image, load-image and serving/install that stand in for them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. k8s/versions.sh
. k8s/cluster.sh
usage() { sed -n '2,11s/^# \?//p' k8s/kind.sh >&2; exit 2; }

namespace=${NAMESPACE:-landmarks}
release=${RELEASE:-landmarks}
tag=$(sed -n 's/^appVersion: *"\(.*\)"/\1/p' helm/Chart.yaml)
# The default engine on the CPU; predictor-torch.txt also serves checkpoints that were not exported.
requirements=${REQUIREMENTS:-predictor.txt}
# The detector that `make models` could have, or DETECTOR: an image never takes another than it is told.
case $(ls models/detector 2>/dev/null) in *yunet* | "") had=yunet ;; *) had=centerface ;; esac
detector=${DETECTOR:-$had}

up() {
  cluster_up
  # Fields of a pod that Knative lets through only when told to.
  kubectl -n knative-serving patch configmap config-features --patch-file k8s/knative-features.yaml
}

load() {
  local stamp=(--build-arg "VERSION=$tag" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
  echo "landmarks-transformer:$tag with the detector $detector"
  build_image "landmarks-transformer:$tag" Dockerfile.transformer "${stamp[@]}" --build-arg "DETECTOR=$detector"
  build_image "landmarks-predictor:$tag" Dockerfile.predictor "${stamp[@]}" --build-arg "REQUIREMENTS=$requirements"
  load_images "landmarks-transformer:$tag" "landmarks-predictor:$tag"
}

# For autoscaling.mode keda on a cluster that has no Prometheus.
prometheus() {
  build_image landmarks-prometheus:1 k8s/prometheus/Dockerfile
  load_images landmarks-prometheus:1
}

install() {
  helm upgrade --install "$release" helm --namespace "$namespace" --create-namespace \
    --values k8s/values-kind.yaml "$@"
  kubectl -n "$namespace" wait --for=condition=Ready "inferenceservice/$release" --timeout=180s
  echo
  echo "curl -H 'Host: $(host)' -H 'Content-Type: image/jpeg' \\"
  echo "  --data-binary @tests/assets/astronaut.jpg http://127.0.0.1:$HTTP_PORT/v2/models/unet/infer"
}

host() { kubectl -n "$namespace" get inferenceservice "$release" -o 'jsonpath={.status.url}' | cut -d/ -f3; }

check() {
  helm test "$release" --namespace "$namespace" --logs
  curl --fail --silent --show-error --max-time 60 -H "Host: $(host)" -H 'Content-Type: image/jpeg' \
    --data-binary @tests/assets/astronaut.jpg "http://127.0.0.1:$HTTP_PORT/v2/models/unet/infer" | cut -c1-300
}

command=${1:-}
[ $# = 0 ] || shift
case $command in
  up) up ;;
  load) load ;;
  prometheus) prometheus ;;
  install) install "$@" ;;
  test) check ;;
  down) cluster_down ;;
  *) usage ;;
esac
