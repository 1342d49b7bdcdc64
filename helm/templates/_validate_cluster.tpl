{{/* What the cluster lacks, and names that it would not take. */}}
{{- define "landmarks.validateCluster" -}}
{{- $mode := .Values.autoscaling.mode -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- $hint := "Without a cluster to ask (helm template, a dry run on the client) add --api-versions" -}}
{{- if and (include "landmarks.asked" .) (semverCompare "<1.27.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "Kubernetes %s is older than 1.27, the first in which every pod may have probes over gRPC." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if not ($apis.Has "serving.kserve.io/v1beta1") -}}
{{- fail (printf "KServe is not installed on this cluster (no serving.kserve.io/v1beta1): install it first, see docs/kubernetes.md. %s serving.kserve.io/v1beta1." $hint) -}}
{{- end -}}
{{- if and (eq $mode "knative") (not ($apis.Has "serving.knative.dev/v1")) -}}
{{- fail (printf "autoscaling.mode is knative, but Knative Serving is not installed on this cluster (no serving.knative.dev/v1): install it, or set autoscaling.mode to keda, hpa or none. %s serving.knative.dev/v1." $hint) -}}
{{- end -}}
{{- if and (eq $mode "keda") (not ($apis.Has "keda.sh/v1alpha1")) -}}
{{- fail (printf "autoscaling.mode is keda, but KEDA is not installed on this cluster (no keda.sh/v1alpha1). %s keda.sh/v1alpha1." $hint) -}}
{{- end -}}
{{- range $value := list "podMonitor" "prometheusRule" -}}
{{- if and (get $.Values.monitoring $value) (not ($apis.Has "monitoring.coreos.com/v1")) -}}
{{- fail (printf "monitoring.%s is true, but the Prometheus operator is not installed on this cluster (no monitoring.coreos.com/v1). %s monitoring.coreos.com/v1." $value $hint) -}}
{{- end -}}
{{- end -}}
{{- include "landmarks.validateKServe" . -}}
{{- include "landmarks.validateModeChange" . -}}
{{- end }}

{{/* "true" when a cluster was asked: it names kinds too, --api-versions seldom do. */}}
{{- define "landmarks.asked" -}}
{{- if .Capabilities.APIVersions.Has "serving.kserve.io/v1beta1/InferenceService" }}true{{ end -}}
{{- end }}

{{/* deploymentMode Standard and Knative exist since KServe 0.16; an older one takes its own default
     instead. Later kinds tell; without them the CRD, whose spec.predictor.storageUris came with 0.16.
     (helm template finds no CRD, and a CRD without a schema says nothing.) */}}
{{- define "landmarks.validateKServe" -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- $newer := false -}}
{{- range $kind := list "v1alpha1/LLMInferenceService" "v1alpha2/LLMInferenceService" "v1alpha1/LocalModelNamespaceCache" -}}
{{- if $apis.Has (printf "serving.kserve.io/%s" $kind) }}{{ $newer = true }}{{ end -}}
{{- end -}}
{{- if and (not $newer) (ne (toString .Values.checkKServe) "false") -}}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "inferenceservices.serving.kserve.io" -}}
{{- range dig "spec" "versions" list $crd -}}
{{- $spec := dig "schema" "openAPIV3Schema" "properties" "spec" "properties" dict . -}}
{{- $fields := dig "predictor" "properties" dict $spec -}}
{{- if and (eq .name "v1beta1") $fields (not (hasKey $fields "storageUris")) -}}
{{- fail "KServe on this cluster is older than 0.16, which doesn't know the deployment modes Standard and Knative: upgrade it (docs/kubernetes.md names the versions tested), or set checkKServe to false if it is not." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* KServe's webhook refuses to change the deploymentMode of an InferenceService. */}}
{{- define "landmarks.validateModeChange" -}}
{{- $name := include "landmarks.fullname" . -}}
{{- $there := lookup "serving.kserve.io/v1beta1" "InferenceService" .Release.Namespace $name -}}
{{- $meta := get $there "metadata" | default dict -}}
{{- $was := get (get $meta "annotations" | default dict) "serving.kserve.io/deploymentMode" | default (dig "status" "deploymentMode" "" $there) -}}
{{- $was = get (dict "Serverless" "Knative" "RawDeployment" "Standard") $was | default $was -}}
{{- $wanted := ternary "Knative" "Standard" (eq .Values.autoscaling.mode "knative") -}}
{{- if and $was (ne $was $wanted) -}}
{{- fail (printf "autoscaling.mode %s needs deploymentMode %s, but InferenceService %s runs in %s, and KServe refuses to change that: install a second release of another name in the new mode, move the callers, uninstall this one; or uninstall this one first." .Values.autoscaling.mode $wanted $name $was) -}}
{{- end -}}
{{- include "landmarks.validateLeftovers" (dict "root" . "there" $there "class" (get (get $meta "annotations" | default dict) "serving.kserve.io/autoscalerClass")) -}}
{{- end }}

{{/* What KServe does not take away when its InferenceService changes, and what then goes on working (seen with 0.20):
     the transformer, ScaledObjects, and the HorizontalPodAutoscalers of hpa unless none comes next. */}}
{{- define "landmarks.validateLeftovers" -}}
{{- $name := include "landmarks.fullname" .root -}}
{{- $mode := .root.Values.autoscaling.mode -}}
{{- $remedy := "install a second release of another name, move the callers, uninstall this one; or uninstall this one first" -}}
{{- if and (eq (toString .class) "keda") (ne $mode "keda") -}}
{{- fail (printf "autoscaling.mode %s: InferenceService %s runs in mode keda, whose ScaledObjects KServe would leave behind, and they go on scaling. For a fixed size set min and max to the same number; otherwise %s." $mode $name $remedy) -}}
{{- end -}}
{{- if and (eq (toString .class) "hpa") (eq $mode "keda") -}}
{{- fail (printf "autoscaling.mode keda: InferenceService %s runs in mode hpa, whose HorizontalPodAutoscalers KServe would leave behind, so that two scale each component: upgrade to autoscaling.mode none first, which takes them away." $name) -}}
{{- end -}}
{{- if and (dig "spec" "transformer" dict .there) (include "landmarks.onePod" .root) -}}
{{- fail (printf "topology %s: InferenceService %s has a transformer, whose pods KServe would leave running: %s." .root.Values.topology $name $remedy) -}}
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
{{- $suffix := ternary "-predictor" (ternary "-transformer" "-predictor-pods" (eq .Values.autoscaling.mode "knative")) (ne "" (include "landmarks.onePod" .)) -}}
{{- $most := sub 63 (len $suffix) | int -}}
{{- if gt (len $name) $most -}}
{{- fail (printf "The InferenceService would be called %s, %d letters, but %s%s may have 63, so that it may have %d: %s." $name (len $name) $name $suffix $most $remedy) -}}
{{- end -}}
{{- $host := printf "%s-%s" $name .Release.Namespace -}}
{{- if not $knative -}}
{{- $host = printf "%s-%s-%s" $name (include "landmarks.front" .) .Release.Namespace -}}
{{- end -}}
{{- if gt (len $host) 63 -}}
{{- fail (printf "KServe would give the service the host %s, %d letters where DNS takes 63: %s, or take a namespace with a shorter name." $host (len $host) $remedy) -}}
{{- end -}}
{{- end }}
