{{/* What the cluster lacks. Without a cluster to ask NOTES say so. */}}
{{- define "landmarks.validateCluster" -}}
{{- if .Facts.asked -}}
{{- $mode := .Values.autoscaling.mode -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- $monitoring := "monitoring.coreos.com/v1" -}}
{{- $version := .Capabilities.KubeVersion.Version -}}
{{- include "landmarks.refuse" (list (semverCompare "<1.27.0-0" $version)
      (printf "Kubernetes %s is older than 1.27, the first in which every pod may have probes over gRPC." $version)) -}}
{{- include "landmarks.refuse" (list (not ($apis.Has "serving.kserve.io/v1beta1"))
      "KServe is not installed on this cluster (no serving.kserve.io/v1beta1): install it first, see docs/kubernetes.md.") -}}
{{- include "landmarks.refuse" (list (and (eq $mode "knative") (not ($apis.Has "serving.knative.dev/v1")))
      "autoscaling.mode is knative, but Knative Serving is not installed on this cluster (no serving.knative.dev/v1):"
      "install it, or set autoscaling.mode to keda, external or none.") -}}
{{- include "landmarks.refuse" (list (and (eq $mode "keda") (not ($apis.Has "keda.sh/v1alpha1")))
      "autoscaling.mode is keda, but KEDA is not installed on this cluster (no keda.sh/v1alpha1).") -}}
{{- range $value := list "podMonitor" "prometheusRule" -}}
{{- include "landmarks.refuse" (list (and (get $.Values.monitoring $value) (not ($apis.Has $monitoring)))
      (printf "monitoring.%s is true, but the Prometheus operator is not installed on this cluster (no %s)." $value $monitoring)) -}}
{{- end -}}
{{- include "landmarks.validateKServe" . -}}
{{- include "landmarks.validateChange" . -}}
{{- end -}}
{{- end }}

{{/* deploymentMode Standard and Knative exist since KServe 0.16; an older one takes its own default
     instead. Later kinds tell; without them the CRD, whose spec.predictor.storageUris came with 0.16.
     (A CRD without a schema says nothing.) */}}
{{- define "landmarks.validateKServe" -}}
{{- $newer := eq (toString .Values.checkKServe) "false" -}}
{{- range $kind := list "v1alpha1/LLMInferenceService" "v1alpha2/LLMInferenceService" "v1alpha1/LocalModelNamespaceCache" -}}
{{- $newer = or $newer ($.Capabilities.APIVersions.Has (printf "serving.kserve.io/%s" $kind)) -}}
{{- end -}}
{{- if not $newer -}}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "inferenceservices.serving.kserve.io" -}}
{{- range dig "spec" "versions" list $crd -}}
{{- $fields := dig "schema" "openAPIV3Schema" "properties" "spec" "properties" "predictor" "properties" dict . -}}
{{- include "landmarks.refuse" (list (and (eq .name "v1beta1") $fields (not (hasKey $fields "storageUris")))
      "KServe on this cluster is older than 0.16, which doesn't know the deployment modes Standard and Knative: upgrade it"
      "(docs/kubernetes.md names the versions tested), or set checkKServe to false if it is not.") -}}
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
{{- $service := printf "InferenceService %s" $name -}}
{{- $remedy := "install a second release of another name, move the callers, uninstall this one; or uninstall this one first." -}}
{{- $was := get $annotations "serving.kserve.io/deploymentMode" | default (dig "status" "deploymentMode" "" $there) -}}
{{- $was = get (dict "Serverless" "Knative" "RawDeployment" "Standard") $was | default $was -}}
{{- $wanted := ternary "Knative" "Standard" .Facts.knative -}}
{{- include "landmarks.refuse" (list (and $was (ne $was $wanted))
      (printf "autoscaling.mode %s needs deploymentMode %s, but %s runs in %s," $mode $wanted $service $was)
      "and KServe refuses to change that:" $remedy) -}}
{{- $class := toString (get $annotations "serving.kserve.io/autoscalerClass") -}}
{{- include "landmarks.refuse" (list (and (eq $class "keda") (ne $mode "keda"))
      (printf "autoscaling.mode %s: %s runs in mode keda, whose ScaledObjects KServe would leave behind," $mode $service)
      "and they go on scaling. For a fixed size set min and max to the same number; otherwise" $remedy) -}}
{{- include "landmarks.refuse" (list (and (eq $class "hpa") (ne $mode "none"))
      (printf "autoscaling.mode %s: %s runs in mode hpa, whose HorizontalPodAutoscalers KServe would leave behind:" $mode $service)
      "upgrade to autoscaling.mode none first, which takes them away.") -}}
{{- $split := dig "spec" "transformer" dict $there -}}
{{- include "landmarks.refuse" (list (and $split .Facts.single)
      (printf "topology single: %s has a transformer, whose pods KServe would leave running:" $service) $remedy) -}}
{{- include "landmarks.refuse" (list (and $there (not $split) (not .Facts.single))
      (printf "topology split: %s has no transformer, so that its callers ask %s-predictor," $service $name)
      "which would be the bare predictor:" $remedy) -}}
{{- end }}

{{/* KServe derives names from this one: Services of 63 letters, and hosts of 63 with the namespace. */}}
{{- define "landmarks.validateNames" -}}
{{- $name := include "landmarks.fullname" . -}}
{{- $remedy := "choose another release name or set fullnameOverride" -}}
{{- include "landmarks.refuse" (list (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name))
      (printf "The InferenceService would be called %q, but KServe takes a small letter first" $name)
      (printf "and then small letters, digits and dashes: %s." $remedy)) -}}
{{- $knative := .Facts.knative -}}
{{- $suffix := ternary "-predictor" (ternary "-transformer" "-predictor-pods" $knative) .Facts.single -}}
{{- $most := sub 63 (len $suffix) | int -}}
{{- include "landmarks.refuse" (list (gt (len $name) $most)
      (printf "The InferenceService would be called %s, %d letters," $name (len $name))
      (printf "but %s%s may have 63, so that it may have %d: %s." $name $suffix $most $remedy)) -}}
{{- $host := ternary $name (printf "%s-%s" $name .Facts.front) $knative | printf "%s-%s" .Release.Namespace -}}
{{- include "landmarks.refuse" (list (gt (len $host) 63)
      (printf "KServe would give the service a host of %d letters (%s and the namespace) where DNS takes 63:" (len $host) $name)
      (printf "%s, or take a namespace with a shorter name." $remedy)) -}}
{{- end }}
