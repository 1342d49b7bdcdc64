{{/* Annotations and labels of the component's pods: what the user gives wins. dict root, component, metricsPort */}}
{{- define "landmarks.podMeta" -}}
{{- $auto := .root.Values.autoscaling -}}
{{- $own := index .root.Values .component -}}
{{- $annotations := dict -}}
{{- if ne (toString .root.Values.monitoring.scrapeAnnotations) "false" -}}
{{- $annotations = dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" "prometheus.io/port" (toString .metricsPort) -}}
{{- end -}}
{{- if include "landmarks.knative" .root -}}
{{- with $auto.utilization }}{{ $_ := set $annotations "autoscaling.knative.dev/target-utilization-percentage" (toString .) }}{{ end -}}
{{- with $auto.windowSeconds }}{{ $_ := set $annotations "autoscaling.knative.dev/window" (printf "%ds" (int .)) }}{{ end -}}
{{- if not (kindIs "invalid" $auto.scaleDownDelaySeconds) -}}
{{- $_ := set $annotations "autoscaling.knative.dev/scale-down-delay" (printf "%ds" (int $auto.scaleDownDelaySeconds)) -}}
{{- end -}}
{{- end -}}
{{- $labels := dict "app.kubernetes.io/name" (include "landmarks.name" .root) "app.kubernetes.io/instance" .root.Release.Name
      "app.kubernetes.io/component" .component -}}
{{- with include "landmarks.override" (list $annotations $own.annotations) -}}
annotations:
  {{- . | nindent 2 }}
{{ end -}}
labels:
  {{- include "landmarks.override" (list $labels .root.Values.commonLabels $own.labels) | nindent 2 }}
{{- end }}

{{/* Where the component's pods run, as whom, with which volumes. dict root, component */}}
{{- define "landmarks.podSpec" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $gpu := and (eq .component "predictor") $root.Values.gpu.enabled -}}
{{- $spec := include "landmarks.pullSecrets" $root | fromYaml -}}
{{- $_ := set $spec "serviceAccountName" (include "landmarks.serviceAccountName" $root) -}}
{{- $_ := set $spec "enableServiceLinks" false -}}{{/* they would be LANDMARKS_* variables, as our settings are */}}
{{- $tmp := list (dict "name" "tmp" "emptyDir" (dict "sizeLimit" "256Mi")) -}}
{{- $volumes := $own.volumes | default list -}}
{{- if include "landmarks.collocated" $root }}{{ $volumes = concat $volumes ($root.Values.transformer.volumes | default list) }}{{ end -}}
{{- $_ := set $spec "volumes" (include "landmarks.overrideList" (dict "key" "name" "base" $tmp "over" $volumes) | fromYamlArray) -}}
{{- $selector := ternary $root.Values.gpu.nodeSelector dict (and $gpu (not (empty $root.Values.gpu.nodeSelector))) -}}
{{- with include "landmarks.override" (list $selector $own.nodeSelector) | fromYaml }}{{ $_ := set $spec "nodeSelector" . }}{{ end -}}
{{- $tolerations := $own.tolerations | default list -}}
{{- if $gpu }}{{ $tolerations = concat ($root.Values.gpu.tolerations | default list) $tolerations }}{{ end -}}
{{- with $tolerations }}{{ $_ := set $spec "tolerations" . }}{{ end -}}
{{- with $own.affinity }}{{ $_ := set $spec "affinity" . }}{{ end -}}
{{- with $own.priorityClassName }}{{ $_ := set $spec "priorityClassName" . }}{{ end -}}
{{- with $own.runtimeClassName }}{{ $_ := set $spec "runtimeClassName" . }}{{ end -}}
{{- with $root.Values.podSecurityContext }}{{ $_ := set $spec "securityContext" . }}{{ end -}}
{{- $spread := list -}}
{{- $labels := include "landmarks.selector" (list $root .component) | fromYaml -}}
{{- range $own.topologySpreadConstraints -}}
{{- $default := dict "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" (dict "matchLabels" $labels) -}}
{{- $spread = append $spread (merge (deepCopy .) $default) -}}
{{- end -}}
{{- with $spread }}{{ $_ := set $spec "topologySpreadConstraints" . }}{{ end -}}
{{- with include "landmarks.extraContainers" (list $root $own.initContainers) | fromYamlArray }}{{ $_ := set $spec "initContainers" . }}{{ end -}}
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
{{- range $entry.env -}}
{{- if and (hasKey . "value") (not (kindIs "invalid" .value)) }}{{ $_ := set . "value" (include "landmarks.text" .value) }}{{ end -}}
{{- end -}}
{{- $result = append $result $entry -}}
{{- end -}}
{{- with $result }}{{ toYaml . }}{{ end -}}
{{- end }}
