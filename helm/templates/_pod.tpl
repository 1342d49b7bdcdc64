{{/* Annotations and labels of the component's pods: what the user gives wins. dict root, component */}}
{{- define "landmarks.podMeta" -}}
{{- $root := .root -}}
{{- $auto := $root.Values.autoscaling -}}
{{- $own := index $root.Values .component -}}
{{/* /tmp holds nothing to keep: a node with such a pod may be scaled down. */}}
{{- $annotations := dict "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes" "tmp" -}}
{{- if ne (toString $root.Values.monitoring.scrapeAnnotations) "false" -}}
{{- $annotations = merge $annotations (dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" "prometheus.io/port" "8080") -}}
{{- end -}}
{{- $labels := dict "app.kubernetes.io/name" (include "landmarks.name" $root) "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/component" .component -}}
{{- if include "landmarks.knative" $root -}}
{{- with $auto.utilization }}{{ $_ := set $annotations "autoscaling.knative.dev/target-utilization-percentage" (toString .) }}{{ end -}}
{{- with $auto.windowSeconds }}{{ $_ := set $annotations "autoscaling.knative.dev/window" (printf "%ds" (int .)) }}{{ end -}}
{{- if not (kindIs "invalid" $auto.scaleDownDelaySeconds) -}}
{{- $_ := set $annotations "autoscaling.knative.dev/scale-down-delay" (printf "%ds" (int $auto.scaleDownDelaySeconds)) -}}
{{- end -}}
{{- if and (include "landmarks.hidden" $root) (eq .component "predictor") -}}
{{- $_ := set $labels "networking.knative.dev/visibility" "cluster-local" -}}
{{- end -}}
{{- end -}}
{{- with include "landmarks.override" (list $annotations $own.annotations) -}}
annotations:
  {{- . | nindent 2 }}
{{ end -}}
labels:
  {{- include "landmarks.override" (list $labels $root.Values.commonLabels $own.labels) | nindent 2 }}
{{- end }}

{{/* The component's pod: where it runs, as whom, with which volumes and containers. dict root, component */}}
{{- define "landmarks.podSpec" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $gpu := ternary $root.Values.gpu dict (and (eq .component "predictor") $root.Values.gpu.enabled) -}}
{{- $spec := include "landmarks.pullSecrets" $root | fromYaml -}}
{{- $_ := set $spec "serviceAccountName" (include "landmarks.serviceAccountName" $root) -}}
{{- $_ := set $spec "enableServiceLinks" false -}}{{/* they would be LANDMARKS_* variables, as our settings are */}}
{{- $tmp := list (dict "name" "tmp" "emptyDir" (dict "sizeLimit" "256Mi")) -}}
{{- with include "landmarks.tlsSecret" $root -}}
{{- $secret := dict "secretName" . -}}
{{- if eq $.component "transformer" }}{{ $_ := set $secret "items" (list (dict "key" "ca.crt" "path" "ca.crt")) }}{{ end -}}
{{- $tmp = append $tmp (dict "name" "tls" "secret" $secret) -}}
{{- end -}}
{{- $_ := set $spec "volumes" (include "landmarks.overrideList" (dict "key" "name" "base" $tmp "over" $own.volumes) | fromYamlArray) -}}
{{- with include "landmarks.override" (list $gpu.nodeSelector $own.nodeSelector) | fromYaml }}{{ $_ := set $spec "nodeSelector" . }}{{ end -}}
{{- with concat ($gpu.tolerations | default list) ($own.tolerations | default list) }}{{ $_ := set $spec "tolerations" . }}{{ end -}}
{{- range $key := list "affinity" "priorityClassName" "runtimeClassName" -}}
{{- with get $own $key }}{{ $_ := set $spec $key . }}{{ end -}}
{{- end -}}
{{- with $root.Values.podSecurityContext }}{{ $_ := set $spec "securityContext" . }}{{ end -}}
{{- $spread := list -}}
{{- $labels := include "landmarks.selector" (list $root .component) | fromYaml -}}
{{- range $own.topologySpreadConstraints -}}
{{- $default := dict "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" (dict "matchLabels" $labels) -}}
{{- $spread = append $spread (merge (deepCopy .) $default) -}}
{{- end -}}
{{- with $spread }}{{ $_ := set $spec "topologySpreadConstraints" . }}{{ end -}}
{{- with include "landmarks.extraContainers" (list $root $own.initContainers) | fromYamlArray }}{{ $_ := set $spec "initContainers" . }}{{ end -}}
{{- $containers := list (include "landmarks.container" . | fromYaml) -}}
{{- $_ := set $spec "containers" (concat $containers (include "landmarks.extraContainers" (list $root $own.extraContainers) | fromYamlArray)) -}}
{{- range $key, $value := $own.podSpec -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $spec $key }}{{ else }}{{ $_ := set $spec $key $value }}{{ end -}}
{{- end -}}
{{ toYaml $spec }}
{{- end }}

{{/* list ROOT CONTAINERS: templates filled in; without a securityContext they get the chart's. */}}
{{- define "landmarks.extraContainers" -}}
{{- $root := index . 0 -}}
{{- $result := list -}}
{{- range index . 1 -}}
{{- $entry := tpl (toYaml .) $root | fromYaml -}}
{{- if and $root.Values.securityContext (not (hasKey $entry "securityContext")) -}}
{{- $_ := set $entry "securityContext" $root.Values.securityContext -}}
{{- end -}}
{{- with $entry.env }}{{ $_ := set $entry "env" (include "landmarks.textEnv" . | fromYamlArray) }}{{ end -}}
{{- $result = append $result $entry -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}
