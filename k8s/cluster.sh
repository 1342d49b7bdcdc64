# The steps that differ between a laptop with a network and a machine with CLUSTER_TOOLS: sourced.
github=https://github.com

if [ -n "${CLUSTER_TOOLS:-}" ]; then
  export CLUSTER_HTTP_PORT=$HTTP_PORT CLUSTER_NAME
  . "$CLUSTER_TOOLS/env.sh"
  cluster_up() { "$CLUSTER_TOOLS/up" && "$CLUSTER_TOOLS/serving/install" ${WITH_KEDA:+--keda}; }
  cluster_down() { "$CLUSTER_TOOLS/down"; }
  build_image() { local name=$1 file=$2; shift 2; "$CLUSTER_TOOLS/build-image" "$name" "$file" . "$@"; }
  load_images() { "$CLUSTER_TOOLS/load-image" "$@"; }
else
  cluster_up() {
    kind get clusters 2>/dev/null | grep -qx "$CLUSTER_NAME" ||
      sed "s/@PORT@/$HTTP_PORT/" k8s/kind.yaml |
        kind create cluster --name "$CLUSTER_NAME" --image "$KIND_NODE" --config -
    install_releases
  }
  cluster_down() { kind delete cluster --name "$CLUSTER_NAME"; }
  build_image() { local name=$1 file=$2; shift 2; DOCKER_BUILDKIT=1 docker build -t "$name" -f "$file" "$@" .; }
  load_images() { kind load docker-image --name "$CLUSTER_NAME" "$@"; }
fi

apply() { kubectl apply --server-side --force-conflicts -f "$@"; }
available() { kubectl -n "$1" wait --for=condition=Available deployment --all --timeout=300s; }
patiently() { local i; for i in $(seq 30); do "$@" && return; sleep 2; done; return 1; }

# The pinned releases, from where their projects publish them.
install_releases() {
  apply "$github/cert-manager/cert-manager/releases/download/$CERT_MANAGER/cert-manager.yaml"
  available cert-manager
  apply "$github/knative/serving/releases/download/$KNATIVE/serving-crds.yaml"
  apply "$github/knative/serving/releases/download/$KNATIVE/serving-core.yaml"
  apply "$github/knative-extensions/net-kourier/releases/download/$KOURIER/kourier.yaml"
  available knative-serving
  kubectl -n knative-serving patch configmap config-network \
    -p '{"data": {"ingress-class": "kourier.ingress.networking.knative.dev"}}'
  kubectl -n knative-serving patch configmap config-domain -p '{"data": {"example.com": ""}}'
  # Images that kind was given have no registry to ask for a digest.
  kubectl -n knative-serving patch configmap config-deployment \
    -p '{"data": {"registries-skipping-tag-resolving": "kind.local,ko.local,dev.local,docker.io,index.docker.io"}}'
  kubectl -n kourier-system patch service kourier \
    -p '{"spec": {"type": "NodePort", "ports": [{"name": "http2", "port": 80, "targetPort": 8080, "nodePort": 31080}]}}'
  apply "$github/kserve/kserve/releases/download/$KSERVE/kserve.yaml"
  available kserve
  kubectl -n kserve get configmap inferenceservice-config -o json |
    python3 k8s/kserve_without_istio.py | kubectl replace -f -
  kubectl -n kserve rollout restart deployment/kserve-controller-manager
  available kserve
  apply "$github/kubernetes-sigs/metrics-server/releases/download/$METRICS_SERVER/components.yaml"
  kubectl -n kube-system patch deployment metrics-server --type=json \
    -p '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls"}]'
  if [ -n "${WITH_KEDA:-}" ]; then
    apply "$github/kedacore/keda/releases/download/$KEDA/keda-${KEDA#v}.yaml"
    available keda
    kubectl -n kserve rollout restart deployment/kserve-controller-manager   # it looks for KEDA when it starts
    available kserve
  fi
  patiently kubectl apply --dry-run=server -f k8s/probe.yaml
}
