{{/* Replicas and what moves them, for a component of the InferenceService. One set of knobs:
     replicas = ceil(in-flight / (target x utilization)). dict root, component, scale, service (label of the gauge). */}}
{{- define "landmarks.scaling" -}}
{{- $auto := .root.Values.autoscaling -}}
minReplicas: {{ .scale.min }}
maxReplicas: {{ ternary .scale.min .scale.max (eq $auto.mode "none") }}
timeout: {{ add .root.Values.timeoutSeconds 5 }}
{{- if eq $auto.mode "knative" }}
scaleMetric: concurrency
scaleTarget: {{ .scale.target }}
containerConcurrency: {{ .scale.limit }}
{{- with .root.Values.canaryTrafficPercent | toString }}
{{- if ne . "<nil>" }}
canaryTrafficPercent: {{ . }}
{{- end }}
{{- end }}
{{- else }}
terminationGracePeriodSeconds: {{ add .root.Values.timeoutSeconds .root.Values.drainSeconds 5 }}
deploymentStrategy:
  type: RollingUpdate
  rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
{{- if eq $auto.mode "keda" }}
autoScaling:
  behavior:
    scaleDown: {stabilizationWindowSeconds: {{ $auto.scaleDownDelaySeconds }}}
  metrics:
    - type: External
      external:
        metric:
          backend: prometheus
          serverAddress: {{ tpl $auto.keda.prometheus .root | quote }}
          query: {{ include "landmarks.inflight" . | quote }}
        target: {type: Value, value: {{ divf (mulf .scale.target $auto.utilization) 100 | toString | quote }}}
{{- else if eq $auto.mode "hpa" }}
autoScaling:
  behavior:
    scaleDown: {stabilizationWindowSeconds: {{ $auto.scaleDownDelaySeconds }}}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $auto.hpa.cpu }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "landmarks.inflight" -}}
{{- $default := printf "namespace=\"%s\",pod=~\"%s-%s-.*\"" .root.Release.Namespace .root.Release.Name .component -}}
sum(landmarks_inflight_requests{service="{{ .service }}",{{ .root.Values.autoscaling.keda.selector | default $default }}})
{{- end }}

{{/* Annotations and labels of the component's pods. dict root, component, metricsPort */}}
{{- define "landmarks.podMeta" -}}
{{- $own := index .root.Values .component -}}
annotations:
  prometheus.io/scrape: "true"
  prometheus.io/path: /metrics
  prometheus.io/port: {{ .metricsPort | quote }}
  {{- if include "landmarks.knative" .root }}
  autoscaling.knative.dev/target-utilization-percentage: {{ .root.Values.autoscaling.utilization | quote }}
  autoscaling.knative.dev/window: {{ printf "%ds" (int .root.Values.autoscaling.windowSeconds) }}
  autoscaling.knative.dev/scale-down-delay: {{ printf "%ds" (int .root.Values.autoscaling.scaleDownDelaySeconds) }}
  {{- end }}
  {{- with $own.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  app.kubernetes.io/name: {{ .root.Chart.Name }}
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  app.kubernetes.io/component: {{ .component }}
  {{- with $own.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where the component's pods run, as whom, with which volumes. dict root, component */}}
{{- define "landmarks.podSpec" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $gpu := and (eq .component "predictor") $root.Values.gpu.enabled -}}
serviceAccountName: {{ include "landmarks.serviceAccountName" $root }}
enableServiceLinks: false   # they would be LANDMARKS_* variables, as our settings are
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
  {{- with $own.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with ternary (mergeOverwrite (deepCopy $root.Values.gpu.nodeSelector) $own.nodeSelector) $own.nodeSelector $gpu }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with ternary (concat $root.Values.gpu.tolerations $own.tolerations) $own.tolerations $gpu }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $selector := include "landmarks.selector" (list $root $.component) | fromYaml }}
  {{- range . }}
  - {{- toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" $selector))) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
