{{/* Names, labels and images. The InferenceService is called as the release is; in a larger chart, where two of it may
     be, as the release and the part (or its alias). */}}
{{- define "landmarks.name" -}}
{{ .Values.nameOverride | default .Chart.Name }}
{{- end }}

{{- define "landmarks.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if .Values.nameOverride -}}
{{ .Release.Name }}-{{ .Values.nameOverride }}
{{- else if or .Chart.IsRoot (eq .Chart.Name .Release.Name) -}}
{{ .Release.Name }}
{{- else -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end -}}
{{- end }}

{{/* Labels that don't change from one version of the chart to the next: KServe hands those of the InferenceService on
     to the pods, which would all be replaced. */}}
{{- define "landmarks.steadyLabels" -}}
{{- $own := dict "app.kubernetes.io/name" (include "landmarks.name" .) "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/managed-by" .Release.Service -}}
{{ include "landmarks.mergeText" (list $own .Values.commonLabels) }}
{{- end }}

{{- define "landmarks.labels" -}}
{{- $own := include "landmarks.steadyLabels" . | fromYaml -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version -}}
{{- range $key, $text := dict "app.kubernetes.io/version" .Chart.AppVersion "helm.sh/chart" $chart -}}
{{- $_ := set $own $key ($text | replace "+" "_" | trunc 63 | trimAll "-_.") -}}{{/* what a label may hold */ -}}
{{- end -}}
{{ include "landmarks.mergeText" (list $own .Values.commonLabels) }}
{{- end }}

{{/* list ROOT SUFFIX LABELS...: name (the InferenceService's and the suffix), namespace and labels of an object */}}
{{- define "landmarks.meta" -}}
{{- $root := first . -}}
name: {{ printf "%s%s" (include "landmarks.fullname" $root) (index . 1) | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "landmarks.mergeText" (prepend (slice . 2) (include "landmarks.labels" $root | fromYaml)) | nindent 2 }}
{{- end }}

{{/* What KServe puts on the pods of a component: list ROOT COMPONENT */}}
{{- define "landmarks.selector" -}}
{serving.kserve.io/inferenceservice: {{ include "landmarks.fullname" (first .) | quote }}, component: {{ last . }}}
{{- end }}

{{/* The image of a component; a digest wins over every tag. dict root, component */}}
{{- define "landmarks.image" -}}
{{- $values := .root.Values -}}
{{- $own := ternary $values.gpu (index $values .component) (and (eq .component "predictor") $values.gpu.enabled) -}}
{{- if .root.Facts.single }}{{ $own = $values.single }}{{ end -}}
{{- $tag := $own.tag | default $values.image.tag | default .root.Chart.AppVersion | toString | replace "+" "_" -}}
{{- with $values.global.imageRegistry | default $values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $own.repository }}{{ if $own.digest }}@{{ $own.digest }}{{ else }}:{{ $tag }}{{ end -}}
{{- end }}

{{- define "landmarks.serviceAccountName" -}}
{{- with .Values.serviceAccount.name -}}
{{ . }}
{{- else -}}
{{ if .Values.serviceAccount.create }}{{ include "landmarks.fullname" . }}{{ end }}
{{- end -}}
{{- end }}

{{/* Where callers of this cluster find the service. */}}
{{- define "landmarks.address" -}}
{{ include "landmarks.fullname" . }}-{{ .Facts.front }}.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Where the transformer finds the predictor. Under Knative the gateway spreads the requests; a plain Service would
     pin the one gRPC channel to one pod, so there the transformer asks DNS for all pods and goes round them. */}}
{{- define "landmarks.predictorHost" -}}
{{ include "landmarks.fullname" . }}-predictor
{{- ternary "" "-pods" .Facts.knative }}.{{ .Release.Namespace }}:{{ ternary 80 8081 .Facts.knative }}
{{- end }}

{{/* A regular expression of a component's pods, and of no other release's ("a" beside "a-predictor"). Kubernetes cuts
     what it generates after 58 letters; Knative keeps 20 letters of a long revision's name, before a hash of it.
     dict root, component */}}
{{- define "landmarks.podNames" -}}
{{- $name := printf "%s-%s" (include "landmarks.fullname" .root) .component -}}
{{- $long := gt (len $name) 46 -}}{{/* "-00001" makes 52, "-deplo" 58; so do "-", the template's hash and "-" */ -}}
{{- if and .root.Facts.knative $long -}}
{{ trunc 20 $name }}[0-9a-f]+-deplo.*
{{- else if .root.Facts.knative -}}
{{ $name }}-[0-9]+-deplo.*
{{- else if $long -}}
{{ trunc 58 (printf "%s-" $name) }}.*
{{- else -}}
{{ $name }}-[^-]+-[^-]+
{{- end -}}
{{- end }}
