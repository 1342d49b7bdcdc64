{{/* What the cluster lacks, and names that it would not take. Without a cluster to ask NOTES say so. */}}
{{- define "landmarks.validateCluster" -}}
{{- $mode := .Values.autoscaling.mode -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- if include "landmarks.asked" . -}}
{{- if semverCompare "<1.27.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail (printf "Kubernetes %s is older than 1.27, the first in which every pod may have probes over gRPC." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if not ($apis.Has "serving.kserve.io/v1beta1") -}}
{{- fail "KServe is not installed on this cluster (no serving.kserve.io/v1beta1): install it first, see docs/kubernetes.md." -}}
{{- end -}}
{{- if and (eq $mode "knative") (not ($apis.Has "serving.knative.dev/v1")) -}}
{{- fail "autoscaling.mode is knative, but Knative Serving is not installed on this cluster (no serving.knative.dev/v1): install it, or set autoscaling.mode to keda, external or none." -}}
{{- end -}}
{{- if and (eq $mode "keda") (not ($apis.Has "keda.sh/v1alpha1")) -}}
{{- fail "autoscaling.mode is keda, but KEDA is not installed on this cluster (no keda.sh/v1alpha1)." -}}
{{- end -}}
{{- range $value := list "podMonitor" "prometheusRule" -}}
{{- if and (get $.Values.monitoring $value) (not ($apis.Has "monitoring.coreos.com/v1")) -}}
{{- fail (printf "monitoring.%s is true, but the Prometheus operator is not installed on this cluster (no monitoring.coreos.com/v1)." $value) -}}
{{- end -}}
{{- end -}}
{{- include "landmarks.validateKServe" . -}}
{{- include "landmarks.validateChange" . -}}
{{- end -}}
{{- end }}

{{/* "true" when a cluster was asked: it names kinds too, the APIs that Helm knows by itself don't. */}}
{{- define "landmarks.asked" -}}
{{- if .Capabilities.APIVersions.Has "v1/Pod" }}true{{ end -}}
{{- end }}

{{/* deploymentMode Standard and Knative exist since KServe 0.16; an older one takes its own default
     instead. Later kinds tell; without them the CRD, whose spec.predictor.storageUris came with 0.16.
     (A CRD without a schema says nothing.) */}}
{{- define "landmarks.validateKServe" -}}
{{- $newer := false -}}
{{- range $kind := list "v1alpha1/LLMInferenceService" "v1alpha2/LLMInferenceService" "v1alpha1/LocalModelNamespaceCache" -}}
{{- if $.Capabilities.APIVersions.Has (printf "serving.kserve.io/%s" $kind) }}{{ $newer = true }}{{ end -}}
{{- end -}}
{{- if and (not $newer) (ne (toString .Values.checkKServe) "false") -}}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "inferenceservices.serving.kserve.io" -}}
{{- range dig "spec" "versions" list $crd -}}
{{- $fields := dig "schema" "openAPIV3Schema" "properties" "spec" "properties" "predictor" "properties" dict . -}}
{{- if and (eq .name "v1beta1") $fields (not (hasKey $fields "storageUris")) -}}
{{- fail "KServe on this cluster is older than 0.16, which doesn't know the deployment modes Standard and Knative: upgrade it (docs/kubernetes.md names the versions tested), or set checkKServe to false if it is not." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Changes of an installed InferenceService that KServe's webhook refuses, does by halves (what then goes on working,
     seen with 0.20: the transformer, ScaledObjects, and HorizontalPodAutoscalers unless none comes next), or that would
     take the callers' address away. */}}
{{- define "landmarks.validateChange" -}}
{{- $name := include "landmarks.fullname" . -}}
{{- $mode := .Values.autoscaling.mode -}}
{{- $there := lookup "serving.kserve.io/v1beta1" "InferenceService" .Release.Namespace $name -}}
{{- $annotations := dig "metadata" "annotations" dict $there -}}
{{- $remedy := "install a second release of another name, move the callers, uninstall this one; or uninstall this one first" -}}
{{- $was := get $annotations "serving.kserve.io/deploymentMode" | default (dig "status" "deploymentMode" "" $there) -}}
{{- $was = get (dict "Serverless" "Knative" "RawDeployment" "Standard") $was | default $was -}}
{{- $wanted := ternary "Knative" "Standard" (eq $mode "knative") -}}
{{- if and $was (ne $was $wanted) -}}
{{- fail (printf "autoscaling.mode %s needs deploymentMode %s, but InferenceService %s runs in %s, and KServe refuses to change that: %s." $mode $wanted $name $was $remedy) -}}
{{- end -}}
{{- $class := toString (get $annotations "serving.kserve.io/autoscalerClass") -}}
{{- if and (eq $class "keda") (ne $mode "keda") -}}
{{- fail (printf "autoscaling.mode %s: InferenceService %s runs in mode keda, whose ScaledObjects KServe would leave behind, and they go on scaling. For a fixed size set min and max to the same number; otherwise %s." $mode $name $remedy) -}}
{{- end -}}
{{- if and (eq $class "hpa") (ne $mode "none") -}}
{{- fail (printf "autoscaling.mode %s: InferenceService %s runs in mode hpa, whose HorizontalPodAutoscalers KServe would leave behind: upgrade to autoscaling.mode none first, which takes them away." $mode $name) -}}
{{- end -}}
{{- if and (dig "spec" "transformer" dict $there) (eq .Values.topology "single") -}}
{{- fail (printf "topology single: InferenceService %s has a transformer, whose pods KServe would leave running: %s." $name $remedy) -}}
{{- end -}}
{{- if and $there (not (dig "spec" "transformer" dict $there)) (eq .Values.topology "split") -}}
{{- fail (printf "topology split: InferenceService %s has no transformer, so that its callers ask %s-predictor, which would be the bare predictor: %s." $name $name $remedy) -}}
{{- end -}}
{{- end }}

{{/* KServe derives names from this one: Services of 63 letters, and hosts of 63 with the namespace. */}}
{{- define "landmarks.validateNames" -}}
{{- $name := include "landmarks.fullname" . -}}
{{- $remedy := "choose another release name or set fullnameOverride" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "The InferenceService would be called %q, but KServe takes a small letter first and then small letters, digits and dashes: %s." $name $remedy) -}}
{{- end -}}
{{- $knative := include "landmarks.knative" . -}}
{{- $suffix := ternary "-predictor" (ternary "-transformer" "-predictor-pods" (ne "" $knative)) (eq .Values.topology "single") -}}
{{- $most := sub 63 (len $suffix) | int -}}
{{- if gt (len $name) $most -}}
{{- fail (printf "The InferenceService would be called %s, %d letters, but %s%s may have 63, so that it may have %d: %s." $name (len $name) $name $suffix $most $remedy) -}}
{{- end -}}
{{- $host := ternary $name (printf "%s-%s" $name (include "landmarks.front" .)) (ne "" $knative) | printf "%s-%s" .Release.Namespace -}}
{{- if gt (len $host) 63 -}}
{{- fail (printf "KServe would give the service a host of %d letters (%s and the namespace) where DNS takes 63: %s, or take a namespace with a shorter name." (len $host) $name $remedy) -}}
{{- end -}}
{{- end }}
