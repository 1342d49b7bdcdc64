{{/* Values that contradict each other, and what the cluster lacks, refused with a sentence.
     (Wrong names and types are refused by values.schema.json.) */}}
{{- define "landmarks.validate" -}}
{{- $mode := .Values.autoscaling.mode -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- if not ($apis.Has "serving.kserve.io/v1beta1") -}}
{{- fail "KServe is not installed on this cluster (no serving.kserve.io/v1beta1): install it first, see docs/kubernetes.md. With `helm template` add --api-versions serving.kserve.io/v1beta1." -}}
{{- end -}}
{{- if and (eq $mode "keda") (not ($apis.Has "keda.sh/v1alpha1")) -}}
{{- fail "autoscaling.mode is keda, but KEDA is not installed on this cluster (no keda.sh/v1alpha1). With `helm template` add --api-versions keda.sh/v1alpha1." -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor (not ($apis.Has "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.podMonitor is true, but the Prometheus operator is not installed on this cluster (no monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- range $name := list "transformer" "predictor" -}}
{{- $scale := index $.Values.autoscaling $name -}}
{{- if gt (int $scale.min) (int $scale.max) -}}
{{- fail (printf "autoscaling.%s.min (%d) is greater than autoscaling.%s.max (%d)." $name (int $scale.min) $name (int $scale.max)) -}}
{{- end -}}
{{- if and (eq (int $scale.min) 0) (ne $mode "knative") -}}
{{- fail (printf "autoscaling.%s.min is 0, but only autoscaling.mode knative scales to zero: with %s nothing would start a pod again." $name $mode) -}}
{{- end -}}
{{- if and (gt (int $scale.limit) 0) (lt (int $scale.limit) (int $scale.target)) -}}
{{- fail (printf "autoscaling.%s.limit (%d) is below autoscaling.%s.target (%d): a pod could never reach its target." $name (int $scale.limit) $name (int $scale.target)) -}}
{{- end -}}
{{- end -}}
{{- if and (not (kindIs "invalid" .Values.canaryTrafficPercent)) (ne $mode "knative") -}}
{{- fail (printf "canaryTrafficPercent needs autoscaling.mode knative: the plain Deployments of mode %s split no traffic." $mode) -}}
{{- end -}}
{{- if and .Values.model.path .Values.model.storageUri (not (hasPrefix "/mnt/models" .Values.model.path)) -}}
{{- fail (printf "model.path (%s) must lie below /mnt/models when model.storageUri is set." .Values.model.path) -}}
{{- end -}}
{{- if and (eq $mode "hpa") (not (dig "requests" "cpu" "" .Values.predictor.resources)) -}}
{{- fail "autoscaling.mode hpa scales on the share of the CPU request: set predictor.resources.requests.cpu." -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false: name one that exists in serviceAccount.name." -}}
{{- end -}}
{{- end }}
