{{/* What both containers share. Arguments: dict root, component ("transformer" | "predictor"). */}}
{{- define "landmarks.container" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $gpu := and (eq .component "predictor") $root.Values.gpu.enabled -}}
image: {{ include "landmarks.image" (list $root (ternary $root.Values.gpu.repository $own.repository $gpu)) | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml $root.Values.securityContext | nindent 2 }}
resources:
  {{- $resources := deepCopy $own.resources }}
  {{- if $gpu }}
  {{- $resources = mergeOverwrite $resources (dict "limits" (dict $root.Values.gpu.resource (toString $root.Values.gpu.count))) }}
  {{- end }}
  {{- toYaml $resources | nindent 2 }}
env:
  - {name: LANDMARKS_DRAIN_SECONDS, value: {{ include "landmarks.drainSeconds" $root | quote }}}
  - {name: LANDMARKS_REQUEST_SECONDS, value: {{ $root.Values.timeoutSeconds | quote }}}
  - {name: LANDMARKS_STOP_SECONDS, value: {{ $root.Values.timeoutSeconds | quote }}}
  {{- if and (eq .component "transformer") (eq $root.Values.autoscaling.mode "knative") (eq (int $root.Values.autoscaling.predictor.min) 0) }}
  # Asking a predictor that is scaled to zero would start it, again and again.
  - {name: LANDMARKS_READY_NEEDS_PREDICTOR, value: "false"}
  {{- end }}
  {{- if eq .component "predictor" }}
  - {name: LANDMARKS_ENGINE, value: {{ ternary $root.Values.gpu.engine $own.engine $gpu | quote }}}
  {{- with include "landmarks.modelPath" $root }}
  - {name: LANDMARKS_MODEL, value: {{ . | quote }}}
  {{- end }}
  {{- with $root.Values.model.folder }}
  - {name: LANDMARKS_MODELS, value: {{ . | quote }}}
  {{- end }}
  {{- with $root.Values.model.storageUri }}
  - {name: STORAGE_URI, value: {{ . | quote }}}
  {{- end }}
  {{- end }}
  {{- with $own.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}   # the only place that can be written
  {{- with $own.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Under Knative the queue-proxy keeps a stopping pod's requests flowing before SIGTERM comes. */}}
{{- define "landmarks.drainSeconds" -}}
{{ ternary 0 (int .Values.drainSeconds) (eq .Values.autoscaling.mode "knative") }}
{{- end }}

{{- define "landmarks.modelPath" -}}
{{- if or .Values.model.path .Values.model.storageUri -}}
{{ .Values.model.path | default "/mnt/models" }}
{{- end -}}
{{- end }}

{{/* Readiness by the model's own answer, liveness by the server's; over gRPC where the port is
     the only one. dict model, http (port or 0), grpc (port). */}}
{{- define "landmarks.probes" -}}
readinessProbe:
  {{- if .http }}
  httpGet: {path: /v2/models/{{ .model }}/ready, port: {{ .http }}}
  {{- else }}
  grpc: {port: {{ .grpc }}, service: {{ .model }}}
  {{- end }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
livenessProbe:
  {{- if .http }}
  httpGet: {path: /v2/health/live, port: {{ .http }}}
  {{- else }}
  tcpSocket: {port: {{ .grpc }}}
  {{- end }}
  initialDelaySeconds: 20
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}
