#!/usr/bin/env bash
# k8s/kind.sh up|load|prometheus|install|test|down: the whole service on a kind cluster of your own.
#
#   up          cluster with cert-manager, Knative Serving, Kourier and KServe (and KEDA with WITH_KEDA=1)
#   load        builds both images (TOPOLOGY=single: the one of both services) and gives them to the cluster
#   prometheus  the Prometheus operator and a Prometheus (for autoscaling.mode keda)
#   install     helm install landmarks ./helm, waits for Ready; the notes' curl, filled in for here
#   test        helm test landmarks, then that curl
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
# predictor-cuda.txt for a GPU; convert.txt to convert networks as well.
requirements=${REQUIREMENTS:-predictor.txt}
# The detector that `make models` could have, or DETECTOR: an image never takes another than it is told.
had=$(ls models/detector 2>/dev/null || true)
case $had in *yunet* | "") had=yunet ;; *) had=centerface ;; esac
detector=${DETECTOR:-$had}

# build NAME DOCKERFILE ARGUMENT...
build() {
  local name=$1 file=$2 revision
  shift 2
  revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
  build_image "$name:$tag" "$file" --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" \
    ${PIP_INDEX_URL:+--build-arg "PIP_INDEX_URL=$PIP_INDEX_URL"} "$@"
  built="$built $name:$tag"
}

load() {
  built=
  echo "detector: $detector"
  case ${TOPOLOGY:-split} in
    split | all)
      build landmarks-transformer Dockerfile.transformer --build-arg "DETECTOR=$detector"
      build landmarks-predictor Dockerfile.predictor --build-arg "REQUIREMENTS=$requirements"
      ;;
  esac
  case ${TOPOLOGY:-split} in
    single | all) build landmarks-standalone Dockerfile.transformer --target standalone --build-arg "DETECTOR=$detector" ;;
  esac
  # shellcheck disable=SC2086
  load_images $built
}

install() {
  helm upgrade --install "$release" helm --kube-context "$CONTEXT" --namespace "$namespace" \
    --create-namespace --values k8s/values-kind.yaml --hide-notes "$@"
  # Not --for=condition: KServe's observedGeneration lags behind when one component alone has changed.
  kube -n "$namespace" wait "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True" \
    "inferenceservice/$release" --timeout=180s
  if [ "$(service '{.metadata.annotations.serving\.kserve\.io/deploymentMode}')" = Standard ]; then
    CONTEXT=$CONTEXT k8s/expose.sh "$namespace" "$release"
  fi
  echo
  question
}

# What the chart's notes ask the service, for this cluster and the repository's picture.
question() {
  helm get notes "$release" --kube-context "$CONTEXT" --namespace "$namespace" |
    sed -n '/^  HOST=/,/^$/p' |
    sed -e "s/kubectl /kubectl --context $CONTEXT /" -e "s#\$INGRESS#127.0.0.1:$HTTP_PORT#" \
      -e 's#@face.jpg#@tests/assets/astronaut.jpg#' -e 's/^  //'
}

service() { kube -n "$namespace" get inferenceservice "$release" -o "jsonpath=$1"; }
check() {
  helm test "$release" --kube-context "$CONTEXT" --namespace "$namespace"   # a pod that failed stays: kubectl logs
  case $(question) in
    *grpcurl*) ;;   # helm test has asked it, and not everybody has grpcurl
    *) question | sed 's/curl -H/curl --fail --silent --show-error --max-time 60 -H/' | bash -euo pipefail | cut -c1-300 ;;
  esac
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
  prometheus) install_prometheus ;;
  install) install "$@" ;;
  test) check ;;
  down) remove_cluster ;;
esac
