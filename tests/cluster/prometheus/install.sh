# Debian's Prometheus with discover.py beside it, where k8s/prometheus.yaml can't be had. Sourced by k8s/cluster.sh.
# shellcheck shell=bash
build_image landmarks-prometheus:2 tests/cluster/prometheus/Dockerfile
load_images landmarks-prometheus:2
kube get crd podmonitors.monitoring.coreos.com prometheusrules.monitoring.coreos.com >/dev/null 2>&1 || apply -f tests/cluster/prometheus/crds.yaml
patiently apply -f tests/cluster/prometheus/prometheus.yaml
kube -n monitoring create configmap discover --from-file=tests/cluster/prometheus/discover.py --dry-run=client -o yaml |
  apply -f -
kube -n monitoring rollout status deployment/prometheus --timeout=120s
