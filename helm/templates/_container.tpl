{{/* What both containers share. Arguments: dict root, component ("transformer" | "predictor"). */}}
{{- define "landmarks.container" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $gpu := and (eq .component "predictor") $root.Values.gpu.enabled -}}
image: {{ include "landmarks.imageOf" . | quote }}
{{- with $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with $root.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $resources := deepCopy $own.resources }}
{{- if $gpu }}
{{- $card := dict $root.Values.gpu.resource (toString ($root.Values.gpu.count | default 1)) }}
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
  {{- $tmp := list (dict "name" "tmp" "mountPath" "/tmp") }}{{/* the only place that can be written */}}
  {{- include "landmarks.overrideList" (dict "key" "mountPath" "base" $tmp "over" $own.volumeMounts) | nindent 2 }}
{{- end }}

{{/* The environment: what the user gives replaces what the chart sets, each name once; without
     a value it takes it away. */}}
{{- define "landmarks.env" -}}
{{- $values := .root.Values -}}
{{- $own := index $values .component -}}
{{- $base := list (dict "name" "LANDMARKS_DRAIN_SECONDS" "value" (include "landmarks.drainSeconds" .root)) -}}
{{- with $values.timeoutSeconds -}}
{{- range $name := list "LANDMARKS_REQUEST_SECONDS" "LANDMARKS_STOP_SECONDS" -}}
{{- $base = append $base (dict "name" $name "value" (toString $values.timeoutSeconds)) -}}
{{- end -}}
{{- end -}}
{{- if or (eq .component "transformer") (include "landmarks.single" .root) -}}
{{- $base = append $base (dict "name" "LANDMARKS_DEMO_PAGE" "value" (toString (eq (toString $values.transformer.demoPage) "true"))) -}}
{{- end -}}
{{- if eq .component "transformer" -}}
{{- $min := include "landmarks.given" (list $values.autoscaling.predictor.min 1) -}}
{{- if and (include "landmarks.knative" .root) (eq $min "0") -}}
{{/* Asking a predictor that is scaled to zero would start it, again and again. */}}
{{- $base = append $base (dict "name" "LANDMARKS_READY_NEEDS_PREDICTOR" "value" "false") -}}
{{- end -}}
{{- else -}}
{{- $engine := ternary $values.gpu.engine $own.engine $values.gpu.enabled -}}
{{- range $name, $value := dict "LANDMARKS_ENGINE" $engine "LANDMARKS_MODEL" $values.model.path
      "LANDMARKS_MODELS" $values.model.folder "STORAGE_URI" $values.model.storageUri -}}
{{- with $value }}{{ $base = append $base (dict "name" $name "value" .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $over := list -}}
{{- range $own.env -}}
{{- $entry := deepCopy . -}}
{{- if and (hasKey . "value") (not (kindIs "invalid" .value)) }}{{ $_ := set $entry "value" (include "landmarks.text" .value) }}{{ end -}}
{{- $over = append $over $entry -}}
{{- end -}}
{{- $result := list -}}
{{- range include "landmarks.overrideList" (dict "key" "name" "base" $base "over" $over) | fromYamlArray -}}
{{- if or .valueFrom (not (kindIs "invalid" .value)) }}{{ $result = append $result . }}{{ end -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* Under Knative the queue-proxy keeps a stopping pod's requests flowing before SIGTERM comes. */}}
{{- define "landmarks.drainSeconds" -}}
{{ ternary 0 (int .Values.drainSeconds) (eq .Values.autoscaling.mode "knative") }}
{{- end }}

{{/* Readiness by the model's own answer, liveness by the server's; over gRPC where the port is
     the only one. dict root, component, http (port or 0), grpc (port). */}}
{{- define "landmarks.probes" -}}
{{- $model := .root.Values.modelName -}}
{{- $ready := ternary (dict "httpGet" (dict "path" (printf "/v2/models/%s/ready" $model) "port" .http))
      (dict "grpc" (dict "port" .grpc "service" $model)) (gt (int .http) 0) -}}
{{- $live := ternary (dict "httpGet" (dict "path" "/v2/health/live" "port" .http))
      (dict "tcpSocket" (dict "port" .grpc)) (gt (int .http) 0) -}}
{{- $given := index .root.Values .component "probes" -}}
{{- $kinds := dict
      "readiness" (dict "periodSeconds" 2 "timeoutSeconds" 2 "failureThreshold" 3)
      "liveness" (dict "initialDelaySeconds" 20 "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 6) -}}
{{- if $given.startup }}{{ $_ := set $kinds "startup" (dict "timeoutSeconds" 5) }}{{ end -}}
{{- $probes := dict -}}
{{- range $kind, $probe := $kinds -}}
{{- $over := get $given $kind | default dict -}}
{{- if ne (toString (get $over "enabled")) "false" -}}
{{- $handlers := list "httpGet" "grpc" "tcpSocket" "exec" -}}
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
