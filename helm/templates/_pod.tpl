{{/* What every pod of the chart has: whose account, which pull secrets, as whom. */}}
{{- define "landmarks.anyPod" -}}
{{- $secrets := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.image.pullSecrets | default list) -}}
{{- $secret := . -}}
{{- if kindIs "string" . }}{{ $secret = dict "name" . }}{{ end -}}
{{- $secrets = append $secrets (pick $secret "name") -}}
{{- end -}}
{{- include "landmarks.fields" (dict
      "serviceAccountName" (include "landmarks.serviceAccountName" .)
      "imagePullSecrets" (uniq $secrets)
      "securityContext" .Values.podSecurityContext) -}}
{{- end }}

{{/* Annotations and labels of the component's pods: what the user gives wins. dict root, component */}}
{{- define "landmarks.podMeta" -}}
{{- $root := .root -}}
{{- $auto := $root.Values.autoscaling -}}
{{- $own := index $root.Values .component -}}
{{/* /tmp holds nothing to keep: a node with such a pod may be scaled down. */}}
{{- $annotations := dict "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes" "tmp" -}}
{{- if ne (toString $root.Values.monitoring.scrapeAnnotations) "false" -}}
{{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" "prometheus.io/port" "8080" -}}
{{- $annotations = merge $annotations $scrape -}}
{{- end -}}
{{- $labels := dict "app.kubernetes.io/name" (include "landmarks.name" $root) "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/component" .component -}}
{{- if $root.Facts.knative -}}
{{- $knative := dict "target-utilization-percentage" $auto.utilization -}}
{{- with $auto.windowSeconds }}{{ $_ := set $knative "window" (printf "%ds" (int .)) }}{{ end -}}
{{- if not (kindIs "invalid" $auto.scaleDownDelaySeconds) -}}
{{- $_ := set $knative "scale-down-delay" (printf "%ds" (int $auto.scaleDownDelaySeconds)) -}}
{{- end -}}
{{- range $key, $value := $knative }}{{ $_ := set $annotations (printf "autoscaling.knative.dev/%s" $key) $value }}{{ end -}}
{{- if and $root.Facts.hidden (eq .component "predictor") -}}
{{- $_ := set $labels "networking.knative.dev/visibility" "cluster-local" -}}
{{- end -}}
{{- end -}}
{{- with include "landmarks.mergeText" (list $annotations $own.annotations) -}}
annotations:
  {{- . | nindent 2 }}
{{ end -}}
labels:
  {{- include "landmarks.mergeText" (list $labels $root.Values.commonLabels $own.labels) | nindent 2 }}
{{- end }}

{{/* The component's pod: where it runs, as whom, with which volumes and containers. dict root, component */}}
{{- define "landmarks.podSpec" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $gpu := ternary $root.Values.gpu dict (and (eq .component "predictor") $root.Values.gpu.enabled) -}}
{{- $volumes := list (dict "name" "tmp" "emptyDir" (dict "sizeLimit" "256Mi")) -}}
{{- with $root.Facts.tlsSecret -}}
{{- $secret := dict "secretName" . -}}
{{- if eq $.component "transformer" }}{{ $_ := set $secret "items" (list (dict "key" "ca.crt" "path" "ca.crt")) }}{{ end -}}
{{- $volumes = append $volumes (dict "name" "tls" "secret" $secret) -}}
{{- end -}}
{{- $spread := list -}}
{{- $selector := dict "matchLabels" (include "landmarks.selector" (list $root .component) | fromYaml) -}}
{{- range $own.topologySpreadConstraints -}}
{{- $default := dict "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" $selector -}}
{{- $spread = append $spread (merge (deepCopy .) $default) -}}
{{- end -}}
{{- $containers := list (include "landmarks.container" . | fromYaml) -}}
{{- $extra := include "landmarks.extraContainers" (list $root $own.extraContainers) | fromYamlArray -}}
{{- $fields := include "landmarks.fields" (dict
      "affinity" $own.affinity
      "priorityClassName" $own.priorityClassName
      "runtimeClassName" $own.runtimeClassName
      "nodeSelector" (include "landmarks.mergeText" (list $gpu.nodeSelector $own.nodeSelector) | fromYaml)
      "tolerations" (concat ($gpu.tolerations | default list) ($own.tolerations | default list))
      "topologySpreadConstraints" $spread
      "volumes" (include "landmarks.mergeList" (list "name" $volumes $own.volumes) | fromYamlArray)
      "initContainers" (include "landmarks.extraContainers" (list $root $own.initContainers) | fromYamlArray)
      "containers" (concat $containers $extra)) | fromYaml -}}
{{- $_ := set $fields "enableServiceLinks" false -}}{{/* they would be LANDMARKS_* variables, as our settings are */ -}}
{{ include "landmarks.merge" (list (include "landmarks.anyPod" $root | fromYaml) $fields $own.podSpec) }}
{{- end }}

{{/* list ROOT CONTAINERS: templates filled in; without a securityContext they get the chart's. */}}
{{- define "landmarks.extraContainers" -}}
{{- $root := first . -}}
{{- $result := list -}}
{{- range last . -}}
{{- $entry := tpl (toYaml .) $root | fromYaml -}}
{{- if and $root.Values.securityContext (not (hasKey $entry "securityContext")) -}}
{{- $_ := set $entry "securityContext" $root.Values.securityContext -}}
{{- end -}}
{{- with $entry.env }}{{ $_ := set $entry "env" (include "landmarks.textEnv" . | fromYamlArray) }}{{ end -}}
{{- $result = append $result $entry -}}
{{- end -}}
{{ toYaml $result }}
{{- end }}
