{{/* Replicas and what moves them, for a component of the InferenceService. One set of knobs:
     replicas = ceil(in-flight / (target x utilization)). dict root, component, service (label of the gauge). */}}
{{- define "landmarks.scaling" -}}
{{- $auto := .root.Values.autoscaling -}}
{{- $scale := index $auto (include "landmarks.scaleKey" .) -}}
{{- $own := index .root.Values .component -}}
{{- $fixed := include "landmarks.given" (list $scale.min 1) -}}
{{- if or (eq $auto.mode "none") (not (kindIs "invalid" $scale.min)) }}
minReplicas: {{ $fixed }}
{{- end }}
{{- if eq $auto.mode "none" }}
maxReplicas: {{ $fixed }}
{{- else if $scale.max }}
maxReplicas: {{ $scale.max }}
{{- end }}
{{- with .root.Values.timeoutSeconds }}
timeout: {{ add . 5 }}
{{- end }}
{{- if eq $auto.mode "knative" }}
scaleMetric: concurrency
{{- with $scale.target }}
scaleTarget: {{ . }}
{{- end }}
{{- if not (kindIs "invalid" $scale.limit) }}
containerConcurrency: {{ $scale.limit }}
{{- end }}
{{- if not (kindIs "invalid" .root.Values.canaryTrafficPercent) }}
canaryTrafficPercent: {{ .root.Values.canaryTrafficPercent }}
{{- end }}
{{- else }}
{{- $seconds := add (.root.Values.timeoutSeconds | default 30) (.root.Values.drainSeconds | default 0) 5 }}
terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds | default $seconds }}
deploymentStrategy:
  {{- include "landmarks.strategy" . | nindent 2 }}
{{- if has $auto.mode (list "keda" "hpa") }}
autoScaling:
  {{- if not (kindIs "invalid" $auto.scaleDownDelaySeconds) }}
  behavior:
    scaleDown: {stabilizationWindowSeconds: {{ $auto.scaleDownDelaySeconds }}}
  {{- end }}
  metrics:
    {{- include (printf "landmarks.%s" $auto.mode) . | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}

{{/* A pool of N GPUs for N pods has no room for one more: there a pod goes before the next comes. */}}
{{- define "landmarks.strategy" -}}
{{- $own := index .root.Values .component -}}
{{- if $own.strategy -}}
{{ toYaml $own.strategy }}
{{- else if and (eq .component "predictor") .root.Values.gpu.enabled -}}
type: RollingUpdate
rollingUpdate: {maxSurge: 0, maxUnavailable: 1}
{{- else -}}
type: RollingUpdate
rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
{{- end -}}
{{- end }}

{{- define "landmarks.keda" -}}
{{- $auto := .root.Values.autoscaling -}}
{{- $scale := index $auto (include "landmarks.scaleKey" .) -}}
- type: External
  external:
    metric:
      backend: prometheus
      serverAddress: {{ tpl $auto.keda.prometheus .root | quote }}
      query: {{ include "landmarks.inflight" . | quote }}
      {{- with $auto.keda.namespace }}
      namespace: {{ tpl . $.root | quote }}
      {{- end }}
    {{- if $auto.keda.authenticationRef.name }}
    authenticationRef:
      authenticationRef: {name: {{ tpl $auto.keda.authenticationRef.name .root | quote }}}
      {{- with $auto.keda.authenticationRef.authModes }}
      authModes: {{ . | quote }}
      {{- end }}
    {{- end }}
    target: {type: Value, value: {{ divf (mulf $scale.target ($auto.utilization | default 100)) 100 | toString | quote }}}
{{- end }}

{{- define "landmarks.hpa" -}}
- type: Resource
  resource:
    name: cpu
    target: {type: Utilization, averageUtilization: {{ .root.Values.autoscaling.hpa.cpu }}}
{{- end }}

{{- define "landmarks.inflight" -}}
sum(landmarks_inflight_requests{service="{{ .service }}",{{ include "landmarks.series" . }}})
{{- end }}

{{/* What picks a component's series out of a Prometheus that others use too. dict root, component */}}
{{- define "landmarks.series" -}}
{{- $default := printf "namespace=\"%s\",pod=~\"%s\"" .root.Release.Namespace (include "landmarks.podNames" .) -}}
{{ tpl (.root.Values.autoscaling.keda.selector | default $default) .root }}
{{- end }}
