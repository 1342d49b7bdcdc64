{{/* Every template begins with this. A section that was set to null, or that the values of an
     older release lack (--reuse-values), becomes an empty one, so that its values can be asked for. */}}
{{- define "landmarks.prepare" -}}
{{- $sections := list "global" "image" "inferenceService" "autoscaling" "autoscaling.transformer"
      "autoscaling.predictor" "autoscaling.single" "autoscaling.keda" "autoscaling.keda.authenticationRef"
      "transformer" "transformer.resources" "transformer.probes" "predictor" "predictor.resources" "predictor.probes"
      "single" "gpu" "model" "tls" "serviceAccount" "podDisruptionBudget" "networkPolicy" "monitoring" "monitoring.alerts" "test" "job" -}}
{{- range $section := $sections -}}
{{- $at := $.Values -}}
{{- range $key := splitList "." $section -}}
{{- if not (kindIs "map" (get $at $key)) }}{{ $_ := set $at $key dict }}{{ end -}}
{{- $at = get $at $key -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values.gpu "enabled" (eq (toString .Values.gpu.enabled) "true") -}}
{{- end }}

{{/* list VALUE DEFAULT: the value, if it was given: 0 and false are values too. */}}
{{- define "landmarks.given" -}}
{{ ternary (index . 1) (index . 0) (kindIs "invalid" (index . 0)) }}
{{- end }}

{{/* list BASE OVER: two mappings as one, in YAML: OVER wins, and its null takes a key away.
     Numbers and booleans become text, as Kubernetes wants them in labels and annotations. */}}
{{- define "landmarks.override" -}}
{{- $result := dict -}}
{{- range $mapping := . -}}
{{- range $key, $value := $mapping -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $result $key -}}
{{- else }}{{ $_ := set $result $key (include "landmarks.text" $value) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* A scalar as text; a whole number of values.yaml is a float to Helm. */}}
{{- define "landmarks.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* A list of variables, each value as text. */}}
{{- define "landmarks.textEnv" -}}
{{- $result := list -}}
{{- range . -}}
{{- $entry := deepCopy . -}}
{{- if and (hasKey . "value") (not (kindIs "invalid" .value)) }}{{ $_ := set $entry "value" (include "landmarks.text" .value) }}{{ end -}}
{{- $result = append $result $entry -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* dict key, base, over: two lists of mappings as one, in YAML: each KEY once, as in Kubernetes'
     lists that are keyed; an entry of OVER stands where the one of BASE did. */}}
{{- define "landmarks.overrideList" -}}
{{- $key := .key -}}
{{- $over := dict -}}
{{- range .over }}{{ $_ := set $over (get . $key) . }}{{ end -}}
{{- $result := list -}}
{{- range .base -}}
{{- $result = append $result (get $over (get . $key) | default .) -}}
{{- $_ := unset $over (get . $key) -}}
{{- end -}}
{{- range .over -}}
{{- if hasKey $over (get . $key) -}}
{{- $result = append $result (get $over (get . $key)) -}}
{{- $_ := unset $over (get . $key) -}}
{{- end -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}
