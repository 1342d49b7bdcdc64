{{/* Our container of a component. Arguments: dict root, component ("transformer" | "predictor"). */}}
{{- define "landmarks.container" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $own := index $values .component -}}
{{- $knative := include "landmarks.knative" $root -}}
{{- $front := eq .component (include "landmarks.front" $root) -}}
{{- $grpcFirst := or (not $front) (eq $values.protocol "grpc") -}}{{/* the first port is port 80 of the Service */ -}}
name: kserve-container
image: {{ include "landmarks.imageOf" . | quote }}
{{- with $values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
args:
  - --model_name={{ $values.modelName }}
  - --http_port=8080
  - --grpc_port=8081
  {{- if eq .component "transformer" }}
  - --predictor_host={{ include "landmarks.predictorHost" $root }}
  - --predictor_protocol=grpc-v2
  {{- end }}
  - --workers=1   # else KServe adds --workers=<containerConcurrency>
  {{- with $own.args }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  {{- if $grpcFirst }}
  - {name: h2c, containerPort: 8081, protocol: TCP}
  {{- end }}
  {{- if not (and $knative $grpcFirst) }}
  - {name: http1, containerPort: 8080, protocol: TCP}
  {{- end }}
  {{- if not (or $knative $grpcFirst) }}
  # Not "h2c": Kourier takes a Service with a port of that name for gRPC as a whole.
  - {name: grpc, containerPort: 8081, protocol: TCP}
  {{- end }}
{{ include "landmarks.probes" (dict "root" $root "component" .component "grpcOnly" (and $knative $grpcFirst)) }}
{{- with $values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $resources := deepCopy $own.resources }}
{{- if and (eq .component "predictor") $values.gpu.enabled }}
{{- $card := dict $values.gpu.resource (toString ($values.gpu.count | default 1)) }}
{{- $_ := set $resources "limits" (merge (deepCopy ($resources.limits | default dict)) $card) }}
{{- end }}
{{- with $resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "landmarks.env" . }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with $own.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- $mounts := list (dict "name" "tmp" "mountPath" "/tmp") }}{{/* the only place that can be written */}}
  {{- if include "landmarks.tlsSecret" $root }}{{ $mounts = append $mounts (dict "name" "tls" "mountPath" "/tls" "readOnly" true) }}{{ end }}
  {{- include "landmarks.overrideList" (dict "key" "mountPath" "base" $mounts "over" $own.volumeMounts) | nindent 2 }}
{{- end }}

{{/* The environment: what the user gives replaces what the chart sets, each name once; without
     a value it takes it away. */}}
{{- define "landmarks.env" -}}
{{- $values := .root.Values -}}
{{- $own := index $values .component -}}
{{- $scale := index $values.autoscaling (include "landmarks.scaleKey" .) -}}
{{- $single := eq $values.topology "single" -}}
{{- $drain := ternary 0 $values.drainSeconds (ne "" (include "landmarks.knative" .root)) -}}{{/* there the queue-proxy drains */ -}}
{{- $set := dict "LANDMARKS_DRAIN_SECONDS" ($drain | default 0 | int) "LANDMARKS_REQUEST_SECONDS" $values.timeoutSeconds
      "LANDMARKS_STOP_SECONDS" $values.timeoutSeconds "LANDMARKS_MAX_INFLIGHT" $scale.limit
      "PROTOCOL" "v2" -}}{{/* read by KServe: an InferenceGraph asks /v1 otherwise */ -}}
{{- if or $single (eq .component "transformer") -}}
{{- $_ := set $set "LANDMARKS_DEMO_PAGE" (eq (toString $values.transformer.demoPage) "true") -}}
{{- end -}}
{{- if eq .component "predictor" -}}
{{- $_ := set $set "LANDMARKS_ENGINE" (ternary $values.gpu.engine $own.engine $values.gpu.enabled) -}}
{{- $brought := ternary "/mnt/models" "" (and (not (empty $values.model.storageUri)) (empty $values.model.folder)) -}}
{{- $_ := set $set "LANDMARKS_MODEL" ($values.model.path | default $brought) -}}
{{- $_ := set $set "LANDMARKS_MODELS" $values.model.folder -}}
{{- $_ := set $set "STORAGE_URI" $values.model.storageUri -}}
{{- else if and (include "landmarks.knative" .root) (eq (include "landmarks.given" (list $values.autoscaling.predictor.min 1)) "0") -}}
{{/* Asking a predictor that is scaled to zero would start it, again and again. */}}
{{- $_ := set $set "LANDMARKS_READY_NEEDS_PREDICTOR" false -}}
{{- end -}}
{{- if include "landmarks.tlsSecret" .root -}}
{{- if eq .component "predictor" -}}
{{- $_ := set $set "LANDMARKS_GRPC_CERTIFICATE" "/tls/tls.crt" -}}
{{- $_ := set $set "LANDMARKS_GRPC_KEY" "/tls/tls.key" -}}
{{- else -}}
{{- $_ := set $set "LANDMARKS_PREDICTOR_AUTHORITY" "/tls/ca.crt" -}}
{{- end -}}
{{- end -}}
{{- $base := list -}}
{{- range $name, $value := $set -}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) -}}
{{- $base = append $base (dict "name" $name "value" (include "landmarks.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- $result := list -}}
{{- range include "landmarks.overrideList" (dict "key" "name" "base" $base "over" (include "landmarks.textEnv" $own.env | fromYamlArray)) | fromYamlArray -}}
{{- if or .valueFrom (not (kindIs "invalid" .value)) }}{{ $result = append $result . }}{{ end -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* Readiness by the model's own answer, liveness by the server's; over gRPC where the port is
     the only one. dict root, component, grpcOnly */}}
{{- define "landmarks.probes" -}}
{{- $model := .root.Values.modelName -}}
{{- $ready := dict "httpGet" (dict "path" (printf "/v2/models/%s/ready" $model) "port" 8080) -}}
{{- $live := dict "httpGet" (dict "path" "/v2/health/live" "port" 8080) -}}
{{- if .grpcOnly -}}
{{- $ready = dict "grpc" (dict "port" 8081 "service" $model) -}}
{{- $live = dict "tcpSocket" (dict "port" 8081) -}}
{{- end -}}
{{- $given := index .root.Values .component "probes" -}}
{{- $kinds := dict
      "readiness" (dict "periodSeconds" 2 "timeoutSeconds" 2 "failureThreshold" 3)
      "liveness" (dict "initialDelaySeconds" 20 "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 6) -}}
{{- if $given.startup }}{{ $_ := set $kinds "startup" (dict "timeoutSeconds" 5) }}{{ end -}}
{{- $probes := dict -}}
{{- range $kind, $probe := $kinds -}}
{{- $over := get $given $kind | default dict -}}
{{- if ne (toString (get $over "enabled")) "false" -}}
{{- if not (keys (pick $over "httpGet" "grpc" "tcpSocket" "exec")) -}}
{{- range $key, $value := ternary $ready $live (eq $kind "readiness") }}{{ $_ := set $probe $key $value }}{{ end -}}
{{- end -}}
{{- range $key, $value := omit $over "enabled" -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $probe $key }}{{ else }}{{ $_ := set $probe $key $value }}{{ end -}}
{{- end -}}
{{- $_ := set $probes (printf "%sProbe" $kind) $probe -}}
{{- end -}}
{{- end -}}
{{- with $probes }}{{ toYaml . }}{{ end -}}
{{- end }}
