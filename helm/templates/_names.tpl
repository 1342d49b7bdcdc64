{{/* Names, labels and images. The InferenceService is called as the release is; in a larger chart,
     where two of it may be, as the release and the part (or its alias). */}}
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

{{/* Labels that don't change from one version of the chart to the next: KServe hands those of the
     InferenceService on to the pods, which would all be replaced. */}}
{{- define "landmarks.steadyLabels" -}}
{{- $own := dict "app.kubernetes.io/name" (include "landmarks.name" .) "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/managed-by" .Release.Service -}}
{{ include "landmarks.override" (list $own .Values.commonLabels) }}
{{- end }}

{{- define "landmarks.labels" -}}
{{- $own := dict "app.kubernetes.io/name" (include "landmarks.name" .) "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/managed-by" .Release.Service
      "app.kubernetes.io/version" (include "landmarks.labelText" .Chart.AppVersion)
      "helm.sh/chart" (include "landmarks.labelText" (printf "%s-%s" .Chart.Name .Chart.Version)) -}}
{{ include "landmarks.override" (list $own .Values.commonLabels) }}
{{- end }}

{{/* A label holds no "+" (0.1.0+g1234abc) and 63 letters. */}}
{{- define "landmarks.labelText" -}}
{{ . | toString | replace "+" "_" | trunc 63 | trimAll "-_." }}
{{- end }}

{{/* What KServe puts on the pods of a component: list ROOT "predictor" */}}
{{- define "landmarks.selector" -}}
serving.kserve.io/inferenceservice: {{ include "landmarks.fullname" (index . 0) | quote }}
component: {{ index . 1 }}
{{- end }}

{{/* dict root, own (repository, tag, digest): a digest wins over every tag. */}}
{{- define "landmarks.image" -}}
{{- $image := .root.Values.image -}}
{{- with .root.Values.global.imageRegistry | default $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ .own.repository }}
{{- if .own.digest -}}
@{{ .own.digest }}
{{- else -}}
:{{ .own.tag | default $image.tag | default .root.Chart.AppVersion | toString | replace "+" "_" }}
{{- end -}}
{{- end }}

{{- define "landmarks.imageOf" -}}
{{- $gpu := and (eq .component "predictor") .root.Values.gpu.enabled -}}
{{- $own := ternary .root.Values.gpu (index .root.Values .component) $gpu -}}
{{ include "landmarks.image" (dict "root" .root "own" (ternary .root.Values.single $own (eq .root.Values.topology "single"))) }}
{{- end }}

{{- define "landmarks.pullSecrets" -}}
{{- $names := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.image.pullSecrets | default list) -}}
{{- $names = append $names (dict "name" (ternary (get (ternary . dict (kindIs "map" .)) "name") . (kindIs "map" .))) -}}
{{- end -}}
{{- with $names | uniq }}imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end }}

{{- define "landmarks.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "landmarks.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{/* "true" in Knative mode, else nothing. */}}
{{- define "landmarks.knative" -}}
{{- if eq .Values.autoscaling.mode "knative" }}true{{ end -}}
{{- end }}

{{/* The component that clients talk to: topology single is one process, in the predictor's pod. */}}
{{- define "landmarks.front" -}}
{{ ternary "predictor" "transformer" (eq .Values.topology "single") }}
{{- end }}

{{/* The components, which are what has pods of its own. */}}
{{- define "landmarks.components" -}}
{{ ternary "predictor" "predictor transformer" (eq .Values.topology "single") }}
{{- end }}

{{/* The key below autoscaling that counts for a component's pods. dict root, component */}}
{{- define "landmarks.scaleKey" -}}
{{ ternary "single" .component (eq .root.Values.topology "single") }}
{{- end }}

{{/* "true" where a predictor of its own is kept off the ingress. */}}
{{- define "landmarks.hidden" -}}
{{- if and (eq .Values.topology "split") (ne (toString .Values.predictor.exposed) "true") }}true{{ end -}}
{{- end }}

{{/* Secret with the predictor's certificate, where there is one. */}}
{{- define "landmarks.tlsSecret" -}}
{{ .Values.tls.secretName | default (ternary (printf "%s-predictor-tls" (include "landmarks.fullname" .)) "" (not (empty .Values.tls.issuerRef))) }}
{{- end }}

{{- define "landmarks.address" -}}
{{ include "landmarks.fullname" . }}-{{ include "landmarks.front" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Where the transformer finds the predictor. Under Knative the gateway spreads the requests;
     a plain Service would pin the one gRPC channel to one pod, so there the transformer asks DNS
     for all pods and goes round them. */}}
{{- define "landmarks.predictorHost" -}}
{{- $name := printf "%s-predictor" (include "landmarks.fullname" .) -}}
{{- if include "landmarks.knative" . -}}
{{ $name }}.{{ .Release.Namespace }}:80
{{- else -}}
{{ $name }}-pods.{{ .Release.Namespace }}:8081
{{- end -}}
{{- end }}

{{/* A regular expression of a component's pods, and of no other release's ("a" beside "a-predictor"). Kubernetes
     cuts what it generates after 58 letters; Knative keeps 20 letters of a long revision's name, before a
     hash of it. dict root, component */}}
{{- define "landmarks.podNames" -}}
{{- $name := printf "%s-%s" (include "landmarks.fullname" .root) .component -}}
{{- if include "landmarks.knative" .root -}}
{{- if gt (len $name) 46 -}}{{/* "-00001" makes 52, "-deplo" 58 */ -}}
{{ trunc 20 $name }}[0-9a-f]+-deplo.*
{{- else -}}
{{ $name }}-[0-9]+-deplo.*
{{- end -}}
{{- else if gt (len $name) 46 -}}{{/* "-" and the hash of the template and "-" make 58 */ -}}
{{ trunc 58 (printf "%s-" $name) }}.*
{{- else -}}
{{ $name }}-[^-]+-[^-]+
{{- end -}}
{{- end }}
