{{/* Names, labels and images. The InferenceService is called as the release is. */}}
{{- define "landmarks.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What KServe puts on the pods of a component: list ROOT "predictor" */}}
{{- define "landmarks.selector" -}}
{{- $root := index . 0 -}}
serving.kserve.io/inferenceservice: {{ $root.Release.Name }}
component: {{ index . 1 }}
{{- end }}

{{/* list ROOT REPOSITORY */}}
{{- define "landmarks.image" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.image.registry }}{{ . }}/{{ end -}}
{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{- define "landmarks.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default .Release.Name }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* "true" in Knative mode, else nothing. */}}
{{- define "landmarks.knative" -}}
{{- if eq .Values.autoscaling.mode "knative" }}true{{ end -}}
{{- end }}

{{- define "landmarks.collocated" -}}
{{- if eq .Values.topology "collocated" }}true{{ end -}}
{{- end }}

{{/* The component that clients talk to, and its address inside the cluster. */}}
{{- define "landmarks.front" -}}
{{ ternary "predictor" "transformer" (eq .Values.topology "collocated") }}
{{- end }}

{{- define "landmarks.address" -}}
{{ .Release.Name }}-{{ include "landmarks.front" . }}.{{ .Release.Namespace }}.svc.cluster.local
{{- end }}

{{/* Where the transformer finds the predictor. Under Knative the gateway spreads the requests;
     a plain Service would pin the one gRPC channel to one pod, so there the transformer asks DNS
     for all pods and goes round them. */}}
{{- define "landmarks.predictorHost" -}}
{{- if include "landmarks.collocated" . -}}
localhost:8081
{{- else if include "landmarks.knative" . -}}
{{ .Release.Name }}-predictor.{{ .Release.Namespace }}:80
{{- else -}}
{{ .Release.Name }}-predictor-pods.{{ .Release.Namespace }}:8081
{{- end -}}
{{- end }}
