{{/* Every template begins with this. A section that was set to null, or that the values of an older release lack
     (--reuse-values), becomes an empty one, so that its values can be asked for. In topology single the predictor's
     pod is that one process. .Facts is what follows from the values: front is the component that clients talk to,
     tlsSecret the one with the predictor's certificate, if any, and asked whether a cluster was asked (which names kinds
     too; the APIs that Helm knows by itself don't). */}}
{{- define "landmarks.prepare" -}}
{{- $sections := list "global" "image" "inferenceService" "autoscaling.transformer" "autoscaling.predictor" "autoscaling.single"
      "autoscaling.keda.authenticationRef" "transformer.resources" "transformer.probes" "predictor.resources" "predictor.probes"
      "single" "gpu" "model" "tls" "serviceAccount" "podDisruptionBudget" "networkPolicy" "monitoring.alerts" "test" "job" -}}
{{- range $section := $sections -}}
{{- $at := $.Values -}}
{{- range $key := splitList "." $section -}}
{{- if not (kindIs "map" (get $at $key)) }}{{ $_ := set $at $key dict }}{{ end -}}
{{- $at = get $at $key -}}
{{- end -}}
{{- end -}}
{{- $single := eq .Values.topology "single" -}}
{{- if $single -}}{{/* in a copy: under two aliases the defaults may be the same map */ -}}
{{- $_ := set .Values "autoscaling" (set (deepCopy .Values.autoscaling) "predictor" .Values.autoscaling.single) -}}
{{- end -}}
{{- $_ := set .Values.gpu "enabled" (eq (toString .Values.gpu.enabled) "true") -}}
{{- $hidden := and (not $single) (ne (toString .Values.predictor.exposed) "true") -}}{{/* a predictor off the ingress */ -}}
{{- $made := ternary "" (printf "%s-predictor-tls" (include "landmarks.fullname" .)) (empty .Values.tls.issuerRef) -}}
{{- $facts := dict "single" $single "knative" (eq .Values.autoscaling.mode "knative") "hidden" $hidden
      "components" (ternary (list "predictor") (list "predictor" "transformer") $single)
      "front" (ternary "predictor" "transformer" $single)
      "tlsSecret" (.Values.tls.secretName | default $made)
      "asked" (.Capabilities.APIVersions.Has "v1/Pod") -}}
{{- $_ := set . "Facts" $facts -}}
{{- end }}

{{/* list MAPPING...: one laid over the other, in YAML; null takes a key away. */}}
{{- define "landmarks.merge" -}}
{{- $result := dict -}}
{{- range $mapping := . -}}
{{- range $key, $value := $mapping -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $result $key }}{{ else }}{{ $_ := set $result $key $value }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The same with numbers and booleans as text, as Kubernetes wants them in labels and annotations. */}}
{{- define "landmarks.mergeText" -}}
{{- $result := include "landmarks.merge" . | fromYaml -}}
{{- range $key, $value := $result }}{{ $_ := set $result $key (include "landmarks.text" $value) }}{{ end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* A scalar as text; a whole number of values.yaml is a float to Helm. */}}
{{- define "landmarks.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* list KEY BASE OVER: two lists of mappings as one, in YAML: each KEY once, as in Kubernetes' lists that are keyed;
     an entry of OVER stands where the one of BASE did. */}}
{{- define "landmarks.mergeList" -}}
{{- $key := first . -}}
{{- $all := concat (index . 1) (index . 2 | default list) -}}
{{- $last := dict -}}
{{- range $all }}{{ $_ := set $last (get . $key) . }}{{ end -}}
{{- $result := list -}}
{{- range $all -}}
{{- with get $last (get . $key) }}{{ $result = append $result . }}{{ end -}}
{{- $_ := unset $last (get . $key) -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* A mapping in YAML, without what is empty. */}}
{{- define "landmarks.fields" -}}
{{- $result := dict -}}
{{- range $key, $value := . }}{{ if $value }}{{ $_ := set $result $key $value }}{{ end }}{{ end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}
