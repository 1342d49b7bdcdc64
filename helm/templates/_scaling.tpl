{{/* Replicas and what moves them, for a component of the InferenceService. One set of knobs:
     replicas = ceil(in-flight / (target x utilization)). dict root, component */}}
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
containerConcurrency: 0   # the service itself refuses what is above limit, at once: here it would wait
{{- if not (kindIs "invalid" $own.canaryTrafficPercent) }}
canaryTrafficPercent: {{ $own.canaryTrafficPercent }}
{{- end }}
{{- else }}
{{- $seconds := add (.root.Values.timeoutSeconds | default 30) (.root.Values.drainSeconds | default 0) 5 }}
terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds | default $seconds }}
deploymentStrategy:
  {{- include "landmarks.strategy" . | nindent 2 }}
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

{{/* In one process it is the transformer whose callers count. */}}
{{- define "landmarks.inflight" -}}
sum(landmarks_inflight_requests{service="{{ ternary "transformer" .component (eq .root.Values.topology "single") }}",{{ include "landmarks.series" . }}})
{{- end }}

{{/* What picks a component's series out of a Prometheus that others use too. dict root, component */}}
{{- define "landmarks.series" -}}
{{- $default := printf "namespace=\"%s\",pod=~\"%s\"" .root.Release.Namespace (include "landmarks.podNames" .) -}}
{{ tpl (.root.Values.autoscaling.keda.selector | default $default) .root }}
{{- end }}
