{{/* The container that clients talk to: the transformer in its own pod, beside the predictor (where 8081
     is taken), or one process that is both and has the predictor's values. */}}
{{- define "landmarks.transformer" -}}
{{- $grpcPort := ternary 8083 8081 (eq .Values.topology "collocated") -}}
{{- $component := ternary "predictor" "transformer" (eq .Values.topology "single") -}}
{{- $grpcFirst := eq .Values.protocol "grpc" -}}
{{- $knative := include "landmarks.knative" . -}}
args:
  - --model_name={{ .Values.modelName }}
  - --http_port=8080
  - --grpc_port={{ $grpcPort }}
  {{- if not (include "landmarks.single" .) }}
  - --predictor_host={{ include "landmarks.predictorHost" . }}
  - --predictor_protocol=grpc-v2
  {{- end }}
  - --workers=1   # else KServe adds --workers=<containerConcurrency>
  {{- with index .Values $component "args" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  {{- if $grpcFirst }}
  - {name: h2c, containerPort: {{ $grpcPort }}, protocol: TCP}
  {{- end }}
  {{- if not (and $knative $grpcFirst) }}
  - {name: http1, containerPort: 8080, protocol: TCP}
  {{- end }}
  {{- if not (or $knative $grpcFirst) }}
  # Not "h2c": Kourier takes a Service with a port of that name for gRPC as a whole.
  - {name: grpc, containerPort: {{ $grpcPort }}, protocol: TCP}
  {{- end }}
{{- $http := ternary 0 8080 (and (eq .Values.autoscaling.mode "knative") $grpcFirst) }}
{{ include "landmarks.probes" (dict "root" . "component" $component "http" $http "grpc" $grpcPort) }}
{{ include "landmarks.container" (dict "root" . "component" $component) }}
{{- end }}
