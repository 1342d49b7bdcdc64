# The cluster and what is on it: sourced. What differs between a laptop with a network and a machine
# with CLUSTER_TOOLS comes first.
# shellcheck shell=bash
releases=${RELEASES_URL:-https://github.com}   # a test gives a stand-in

kube() { kubectl --context "$CONTEXT" "$@"; }
apply() { kube apply --server-side --force-conflicts "$@"; }
available() { kube -n "$1" wait --for=condition=Available deployment "${2:---all}" --timeout=300s; }
say() { echo "kind.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# A webhook answers a while after its Deployment is Available: tried again, the last error shown.
patiently() {
  local try said
  for try in $(seq "${PATIENCE:-30}"); do
    if said=$("$@" 2>&1); then
      [ -z "$said" ] || echo "$said"
      return
    fi
    [ "$try" = "${PATIENCE:-30}" ] || sleep "${PAUSE:-2}"
  done
  echo "$said" >&2
  return 1
}

if [ -n "${CLUSTER_TOOLS:-}" ]; then
  export CLUSTER_HTTP_PORT=$HTTP_PORT CLUSTER_NAME
  # shellcheck disable=SC1091
  . "$CLUSTER_TOOLS/env.sh"
  check_tools() { need python3 curl; }
  create_cluster() { "$CLUSTER_TOOLS/up"; }
  install_parts() { "$CLUSTER_TOOLS/serving/install" ${WITH_KEDA:+--keda}; }
  # Neither operator nor Prometheus can be had there: the cluster test's stand-in for both.
  install_prometheus() { . tests/cluster/prometheus/install.sh; }
  remove_cluster() { "$CLUSTER_TOOLS/down"; }
  build_image() { local name=$1 file=$2; shift 2; "$CLUSTER_TOOLS/build-image" "$name" "$file" . "$@"; }
  load_images() { "$CLUSTER_TOOLS/load-image" "$@"; }
else
  check_tools() {
    need docker kind kubectl helm python3 curl
    docker info >/dev/null 2>&1 || die "docker is there, but its daemon doesn't answer: start it first."
  }
  create_cluster() {
    if kind get clusters 2>/dev/null | grep -qx "$CLUSTER_NAME"; then
      return
    fi
    if (exec 3<>"/dev/tcp/127.0.0.1/$HTTP_PORT") 2>/dev/null; then
      die "port $HTTP_PORT of this machine is taken (make serve has 8080): CLUSTER_HTTP_PORT=8090 k8s/kind.sh up"
    fi
    sed "s/@PORT@/$HTTP_PORT/" k8s/kind.yaml |
      kind create cluster --name "$CLUSTER_NAME" --image "$KIND_NODE" --config -
  }
  install_parts() { install_releases; }
  install_prometheus() { install_prometheus_operator; }
  remove_cluster() { kind delete cluster --name "$CLUSTER_NAME"; }
  build_image() { local name=$1 file=$2; shift 2; DOCKER_BUILDKIT=1 docker build -t "$name" -f "$file" "$@" .; }
  load_images() { kind load docker-image --name "$CLUSTER_NAME" "$@"; }
fi

# need TOOL...: says all that are missing, not the first.
need() {
  local tool missing=
  for tool; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] || die "needs$missing on PATH; see docs/kubernetes.md."
}

# What `up` puts on the cluster, as one word; the cluster keeps it, so that the next `up` has nothing to do.
wanted_parts() {
  # shellcheck disable=SC2153
  echo "$CERT_MANAGER,$KNATIVE,$KOURIER,$KSERVE,$METRICS_SERVER${WITH_KEDA:+,keda-$KEDA}"
}

has_parts() {
  local there
  there=$(kube -n kube-system get configmap landmarks-kind -o 'jsonpath={.data.parts}' 2>/dev/null) || return 1
  case $there in "$(wanted_parts)" | "$(wanted_parts),keda-$KEDA") return 0 ;; *) return 1 ;; esac
}

remember_parts() {
  kube -n kube-system create configmap landmarks-kind "--from-literal=parts=$(wanted_parts)" \
    --dry-run=client -o yaml | apply -f -
}

cluster_up() {
  create_cluster
  if has_parts; then
    say "the cluster $CLUSTER_NAME is up and has everything"
    return
  fi
  install_parts
  # Fields of a pod that Knative lets through only when told to.
  patiently kube -n knative-serving patch configmap config-features --patch-file k8s/knative-features.yaml
  patiently kube apply --dry-run=server -f k8s/probe.yaml
  remember_parts
}

# The pinned releases, from where their projects publish them. Each step may be done again.
install_releases() {
  install_cert_manager
  install_knative
  install_kserve
  install_metrics_server
  [ -z "${WITH_KEDA:-}" ] || install_keda
}

install_cert_manager() {
  apply -f "$releases/cert-manager/cert-manager/releases/download/$CERT_MANAGER/cert-manager.yaml"
  available cert-manager
}

install_knative() {
  local serving=$releases/knative/serving/releases/download/$KNATIVE
  apply -f "$serving/serving-crds.yaml"
  established knative.dev
  patiently apply -f "$serving/serving-core.yaml"
  patiently apply -f "$releases/knative-extensions/net-kourier/releases/download/$KOURIER/kourier.yaml"
  available knative-serving
  # Its own webhook guards these, and answers a moment after it is Available.
  patiently kube -n knative-serving patch configmap config-network \
    -p '{"data": {"ingress-class": "kourier.ingress.networking.knative.dev"}}'
  patiently kube -n knative-serving patch configmap config-domain -p '{"data": {"example.com": ""}}'
  # Images that kind was given have no registry to ask for a digest.
  patiently kube -n knative-serving patch configmap config-deployment \
    -p '{"data": {"registries-skipping-tag-resolving": "kind.local,ko.local,dev.local,docker.io,index.docker.io"}}'
  kube -n kourier-system patch service kourier \
    -p '{"spec": {"type": "NodePort", "ports": [{"name": "http2", "port": 80, "targetPort": 8080, "nodePort": 31080}]}}'
}

# Since v0.17 kserve.yaml comes without its Namespace, and holds an object of a kind that it defines itself.
install_kserve() {
  local kserve=$releases/kserve/kserve/releases/download/$KSERVE
  kube create namespace kserve --dry-run=client -o yaml | apply -f -
  apply -f "$kserve/kserve-crds.yaml"
  established serving.kserve.io
  patiently apply -f "$kserve/kserve.yaml"   # its Certificates pass cert-manager's webhook
  available kserve kserve-controller-manager
  kube -n kserve get configmap inferenceservice-config -o json |
    python3 k8s/kserve_without_istio.py | apply -f -
  restart_kserve
}

restart_kserve() {
  kube -n kserve rollout restart deployment/kserve-controller-manager
  kube -n kserve rollout status deployment/kserve-controller-manager --timeout=300s
}

install_metrics_server() {
  apply -f "$releases/kubernetes-sigs/metrics-server/releases/download/$METRICS_SERVER/components.yaml"
  kube -n kube-system get deployment metrics-server -o 'jsonpath={.spec.template.spec.containers[0].args}' |
    grep -q kubelet-insecure-tls ||
    kube -n kube-system patch deployment metrics-server --type=json \
      -p '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls"}]'
}

install_keda() {
  apply -f "$releases/kedacore/keda/releases/download/$KEDA/keda-${KEDA#v}.yaml"
  available keda
  restart_kserve   # it looks for KEDA's kinds when it starts
}

install_prometheus_operator() {
  apply -f "$releases/prometheus-operator/prometheus-operator/releases/download/$PROMETHEUS_OPERATOR/bundle.yaml"
  established monitoring.coreos.com
  available default prometheus-operator
  patiently apply -f k8s/prometheus.yaml
}

# established GROUP: waits for the CRDs of a group (a brand-new one has no conditions yet).
established() {
  local names
  names=$(kube get crd -o name | grep "$1\$")
  # shellcheck disable=SC2086
  patiently kube wait --for=condition=Established $names --timeout=60s
}
