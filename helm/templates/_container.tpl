{{/* Our container of a component. dict root, component */}}
{{- define "landmarks.container" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $own := index $values .component -}}
{{- $knative := $root.Facts.knative -}}
{{- $grpcFirst := or (ne .component $root.Facts.front) (eq $values.protocol "grpc") -}}{{/* the first port is port 80 of the Service */ -}}
{{- $grpcOnly := and $knative $grpcFirst -}}
{{- $resources := deepCopy $own.resources -}}
{{- if and (eq .component "predictor") $values.gpu.enabled -}}
{{- $card := dict $values.gpu.resource (toString ($values.gpu.count | default 1)) -}}
{{- $_ := set $resources "limits" (merge ($resources.limits | default dict) $card) -}}
{{- end -}}
{{- $mounts := list (dict "name" "tmp" "mountPath" "/tmp") -}}{{/* the only place that can be written */ -}}
{{- if $root.Facts.tlsSecret }}{{ $mounts = append $mounts (dict "name" "tls" "mountPath" "/tls" "readOnly" true) }}{{ end -}}
name: kserve-container
image: {{ include "landmarks.image" . | quote }}
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
  {{- if not $grpcOnly }}
  - {name: http1, containerPort: 8080, protocol: TCP}
  {{- end }}
  {{- if not (or $knative $grpcFirst) }}
  # Not "h2c": Kourier takes a Service with a port of that name for gRPC as a whole.
  - {name: grpc, containerPort: 8081, protocol: TCP}
  {{- end }}
{{ include "landmarks.probes" (dict "root" $root "component" .component "grpcOnly" $grpcOnly) }}
{{ include "landmarks.fields" (dict
      "imagePullPolicy" $values.image.pullPolicy
      "securityContext" $values.securityContext
      "resources" $resources
      "env" (include "landmarks.env" . | fromYamlArray)
      "envFrom" $own.envFrom
      "lifecycle" $own.lifecycle
      "volumeMounts" (include "landmarks.mergeList" (list "mountPath" $mounts $own.volumeMounts) | fromYamlArray)) }}
{{- end }}

{{/* The environment: what the user gives replaces what the chart sets, each name once; without a value it takes it away. */}}
{{- define "landmarks.env" -}}
{{- $chart := list -}}
{{- range $name, $value := include "landmarks.settings" . | fromYaml -}}
{{- if $value }}{{ $chart = append $chart (dict "name" $name "value" $value) }}{{ end -}}
{{- end -}}
{{- $user := include "landmarks.textEnv" (index .root.Values .component "env") | fromYamlArray -}}
{{- $result := list -}}
{{- range include "landmarks.mergeList" (list "name" $chart $user) | fromYamlArray -}}
{{- if or .valueFrom (not (kindIs "invalid" .value)) }}{{ $result = append $result . }}{{ end -}}
{{- end -}}
{{ toYaml $result }}
{{- end }}

{{/* What the chart sets in a component's environment, as text; what is empty is left out. dict root, component */}}
{{- define "landmarks.settings" -}}
{{- $values := .root.Values -}}
{{- $facts := .root.Facts -}}
PROTOCOL: v2   # read by KServe: an InferenceGraph asks /v1 otherwise
LANDMARKS_REQUEST_SECONDS: {{ $values.timeoutSeconds | quote }}
LANDMARKS_STOP_SECONDS: {{ $values.timeoutSeconds | quote }}
LANDMARKS_DRAIN_SECONDS: {{ ternary 0 ($values.drainSeconds | default 0) $facts.knative | quote }}   # there the queue-proxy drains
LANDMARKS_MAX_INFLIGHT: {{ (index $values.autoscaling .component).limit | quote }}
{{- if eq .component $facts.front }}
LANDMARKS_DEMO_PAGE: {{ eq (toString $values.transformer.demoPage) "true" | quote }}
{{- end }}
{{- if eq .component "predictor" }}
{{- $brought := ternary "/mnt/models" "" (and (not (empty $values.model.storageUri)) (empty $values.model.folder)) }}
LANDMARKS_ENGINE: {{ ternary $values.gpu.engine $values.predictor.engine $values.gpu.enabled | quote }}
LANDMARKS_MODEL: {{ $values.model.path | default $brought | quote }}
LANDMARKS_MODELS: {{ $values.model.folder | quote }}
STORAGE_URI: {{ $values.model.storageUri | quote }}
{{- else if and $facts.knative (eq (toString $values.autoscaling.predictor.min) "0") }}
LANDMARKS_READY_NEEDS_PREDICTOR: "false"   # asking one that is scaled to zero would start it, again and again
{{- end }}
{{- if and $facts.tlsSecret (eq .component "predictor") }}
LANDMARKS_GRPC_CERTIFICATE: /tls/tls.crt
LANDMARKS_GRPC_KEY: /tls/tls.key
{{- else if $facts.tlsSecret }}
LANDMARKS_PREDICTOR_AUTHORITY: /tls/ca.crt
{{- end }}
{{- end }}

{{/* A list of variables, each value as text. */}}
{{- define "landmarks.textEnv" -}}
{{- $result := list -}}
{{- range . -}}
{{- $entry := deepCopy . -}}
{{- if not (kindIs "invalid" .value) }}{{ $_ := set $entry "value" (include "landmarks.text" .value) }}{{ end -}}
{{- $result = append $result $entry -}}
{{- end -}}
{{ toYaml $result }}
{{- end }}

{{/* Readiness by the model's own answer, liveness by the server's; over gRPC where the port is the only one. What the
     user gives replaces single fields. dict root, component, grpcOnly */}}
{{- define "landmarks.probes" -}}
{{- $model := .root.Values.modelName -}}
{{- $given := index .root.Values .component "probes" -}}
{{- $ready := dict "httpGet" (dict "path" (printf "/v2/models/%s/ready" $model) "port" 8080) -}}
{{- $live := dict "httpGet" (dict "path" "/v2/health/live" "port" 8080) -}}
{{- if .grpcOnly -}}
{{- $ready = dict "grpc" (dict "port" 8081 "service" $model) -}}
{{- $live = dict "tcpSocket" (dict "port" 8081) -}}
{{- end -}}
{{- $kinds := dict
      "readiness" (dict "periodSeconds" 2 "timeoutSeconds" 2 "failureThreshold" 3)
      "liveness" (dict "initialDelaySeconds" 20 "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 6) -}}
{{- if $given.startup }}{{ $_ := set $kinds "startup" (dict "timeoutSeconds" 5) }}{{ end -}}
{{- range $kind, $times := $kinds -}}
{{- $over := get $given $kind | default dict -}}
{{- $asks := ternary $ready $live (eq $kind "readiness") -}}
{{- if keys (pick $over "httpGet" "grpc" "tcpSocket" "exec") }}{{ $asks = dict }}{{ end -}}
{{- if ne (toString $over.enabled) "false" }}
{{ $kind }}Probe:
  {{- include "landmarks.merge" (list $asks $times (omit $over "enabled")) | nindent 2 }}
{{- end -}}
{{- end -}}
{{- end }}
