{{/* Replicas and what moves them, for a component of the InferenceService. One set of knobs:
     replicas = ceil(in-flight / (target x utilization)). dict root, component */}}
{{- define "landmarks.scaling" -}}
{{- $values := .root.Values -}}
{{- $auto := $values.autoscaling -}}
{{- $scale := index $auto .component -}}
{{- $pods := index $values .component -}}
{{- $fields := dict "minReplicas" $scale.min "maxReplicas" $scale.max -}}
{{- if eq $auto.mode "none" -}}
{{- $fixed := ternary 1 $scale.min (kindIs "invalid" $scale.min) -}}
{{- $fields = dict "minReplicas" $fixed "maxReplicas" $fixed -}}
{{- end -}}
{{- with $values.timeoutSeconds }}{{ $_ := set $fields "timeout" (add . 5) }}{{ end -}}
{{/* containerConcurrency 0: the service itself refuses what is above limit, at once: here it would wait. */}}
{{- $own := dict "scaleMetric" "concurrency" "scaleTarget" $scale.target "containerConcurrency" 0
      "canaryTrafficPercent" $pods.canaryTrafficPercent -}}
{{- if not .root.Facts.knative -}}
{{/* A pool of N GPUs for N pods has no room for one more: there a pod goes before the next comes. */}}
{{- $surge := ternary 0 1 (and (eq .component "predictor") $values.gpu.enabled) -}}
{{- $rolling := dict "type" "RollingUpdate" "rollingUpdate" (dict "maxSurge" $surge "maxUnavailable" (sub 1 $surge)) -}}
{{- $seconds := add ($values.timeoutSeconds | default 30) ($values.drainSeconds | default 0) 5 -}}
{{- $own = dict "deploymentStrategy" ($pods.strategy | default $rolling)
      "terminationGracePeriodSeconds" ($pods.terminationGracePeriodSeconds | default $seconds) -}}
{{- end -}}
{{ include "landmarks.merge" (list $fields $own) }}
{{- if eq $auto.mode "keda" }}
autoScaling:
  {{- if not (kindIs "invalid" $auto.scaleDownDelaySeconds) }}
  behavior:
    scaleDown: {stabilizationWindowSeconds: {{ $auto.scaleDownDelaySeconds }}}
  {{- end }}
  metrics:
    {{- include "landmarks.keda" . | nindent 4 }}
{{- end }}
{{- end }}

{{- define "landmarks.keda" -}}
{{- $auto := .root.Values.autoscaling -}}
{{- $keda := $auto.keda -}}
{{- $target := mulf (index $auto .component).target ($auto.utilization | default 100) -}}
{{- $service := ternary "transformer" .component .root.Facts.single -}}{{/* in one process its callers count */ -}}
- type: External
  external:
    metric:
      backend: prometheus
      serverAddress: {{ tpl $keda.prometheus .root | quote }}
      query: {{ printf `sum(landmarks_inflight_requests{service="%s",%s})` $service (include "landmarks.series" .) | quote }}
      {{- with $keda.namespace }}
      namespace: {{ tpl . $.root | quote }}
      {{- end }}
    {{- with $keda.authenticationRef.name }}
    authenticationRef:
      authenticationRef: {name: {{ tpl . $.root | quote }}}
      {{- with $keda.authenticationRef.authModes }}
      authModes: {{ . | quote }}
      {{- end }}
    {{- end }}
    target: {type: Value, value: {{ divf $target 100 | toString | quote }}}
{{- end }}

{{/* What picks a component's series out of a Prometheus that others use too. dict root, component */}}
{{- define "landmarks.series" -}}
{{- $default := printf `namespace="%s",pod=~"%s"` .root.Release.Namespace (include "landmarks.podNames" .) -}}
{{ tpl (.root.Values.autoscaling.keda.selector | default $default) .root }}
{{- end }}
