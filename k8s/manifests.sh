#!/usr/bin/env bash
# k8s/manifests.sh [FOLDER]: the chart as plain manifests, one file a mode, for people without Helm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-k8s/manifests}
for mode in knative keda hpa none; do
  {
    echo "# Made by k8s/manifests.sh from helm/: kubectl apply -n NAMESPACE -f this"
    echo "# The images are published nowhere: build and push them (helm/README.md), put your registry before both."
    helm template landmarks helm --namespace default --no-hooks --set "autoscaling.mode=$mode" \
      --api-versions serving.kserve.io/v1beta1 --api-versions serving.knative.dev/v1 \
      --api-versions keda.sh/v1alpha1 |
      sed -e 's/landmarks-predictor-pods\.default:/landmarks-predictor-pods:/' \
        -e '/predictor_host=landmarks-predictor\.default:/d' \
        -e 's/namespace=\\"default\\",//' -e '/^  namespace: "default"$/d' \
        -e '/helm.sh\/chart:/d' -e 's/managed-by: Helm/managed-by: kubectl/'
  } >"$folder/$mode.yaml"
done
