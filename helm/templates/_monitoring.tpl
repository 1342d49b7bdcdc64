{{/* A Knative pod declares only the port of its traffic, and the operator finds a port by name or
     number only if it is declared. So the container is picked by its name and its address made
     from the pod's, IPv4 or IPv6. dict root, container, port */}}
{{- define "landmarks.endpoint" -}}
- path: /metrics
  {{- with .root.Values.monitoring.interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .root.Values.monitoring.scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  relabelings:
    - {action: keep, sourceLabels: [__meta_kubernetes_pod_container_name], regex: {{ .container }}}
    - {action: replace, sourceLabels: [__meta_kubernetes_pod_ip], regex: '([^:]+)', replacement: '$1:{{ .port }}', targetLabel: __address__}
    - {action: replace, sourceLabels: [__meta_kubernetes_pod_ip], regex: '(.*:.*)', replacement: '[$1]:{{ .port }}', targetLabel: __address__}
    {{- with .root.Values.monitoring.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .root.Values.monitoring.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The alerts, from thresholds that may each be null. A service is who counts: the transformer is
     what callers see, the predictor has its own. */}}
{{- define "landmarks.alerts" -}}
{{- $root := . -}}
{{- $alerts := .Values.monitoring.alerts -}}
{{- $name := include "landmarks.fullname" . -}}
{{- $for := printf "%dm" (int ($alerts.minutes | default 10)) -}}
{{- $rules := list -}}
{{- range $service := list "transformer" "predictor" -}}
{{- $component := ternary "predictor" $service (ne "" (include "landmarks.onePod" $root)) -}}
{{- $series := printf "service=\"%s\",%s" $service (include "landmarks.series" (dict "root" $root "component" $component)) -}}
{{- $rate := printf "sum(rate(landmarks_requests_total{%s%%s}[5m]))" $series -}}
{{- $all := printf $rate "" -}}
{{- $scale := index $root.Values.autoscaling (include "landmarks.scaleKey" (dict "root" $root "component" $component)) -}}
{{- with $alerts.errorPercent -}}
{{- $failed := printf $rate ",code=~\"internal|not_ready|predictor_unavailable|deadline_exceeded\"" -}}
{{- $rules = append $rules (dict "alert" "LandmarksErrors" "expr" (printf "100 * %s / %s > %v" $failed $all .) "severity" "critical"
      "summary" (printf "%s of %s fails {{ $value | humanize }} %% of its requests by its own fault" $service $name)) -}}
{{- end -}}
{{- with $alerts.rejectedPercent -}}
{{- $rules = append $rules (dict "alert" "LandmarksQueueFull" "expr" (printf "100 * %s / %s > %v" (printf $rate ",code=\"overloaded\"") $all .) "severity" "warning"
      "summary" (printf "%s of %s refuses {{ $value | humanize }} %% of its requests: its queue is full, it needs more pods" $service $name)) -}}
{{- end -}}
{{- with $alerts.p99Seconds -}}
{{- $rules = append $rules (dict "alert" "LandmarksSlow" "expr" (printf "histogram_quantile(0.99, sum by (le) (rate(landmarks_request_seconds_bucket{%s}[5m]))) > %v" $series .) "severity" "warning"
      "summary" (printf "1 in 100 answers of %s of %s takes {{ $value | humanizeDuration }} or longer" $service $name)) -}}
{{- end -}}
{{- if and $scale.target (or (eq $service "transformer") (eq $component "predictor")) (not (and (include "landmarks.onePod" $root) (eq $service "predictor"))) -}}
{{- $rules = append $rules (dict "alert" "LandmarksNotScaling" "expr" (printf "avg(landmarks_inflight_requests{%s}) > %v" $series $scale.target) "severity" "warning"
      "summary" (printf "pods of %s of %s work on {{ $value | humanize }} requests each, more than their target: at max, or the autoscaler doesn't add any" $service $name)) -}}
{{- end -}}
{{- $min := include "landmarks.given" (list $scale.min 1) -}}
{{- if ne $min "0" -}}
{{- $ready := printf "sum(kube_pod_status_ready{condition=\"true\",namespace=\"%s\",pod=~\"%s\"}) == 0" $root.Release.Namespace (include "landmarks.podNames" (dict "root" $root "component" $component)) -}}
{{- $rules = append $rules (dict "alert" "LandmarksNoReadyPod" "expr" (printf "absent(landmarks_inflight_requests{%s}) or %s" $series $ready) "severity" "critical"
      "summary" (printf "no pod of %s of %s is ready and scraped" $service $name)) -}}
{{- end -}}
{{- end -}}
{{- range $rules }}
- alert: {{ .alert }}
  expr: {{ .expr | quote }}
  for: {{ $for }}
  labels:
    {{- include "landmarks.override" (list (dict "severity" .severity) $alerts.labels) | nindent 4 }}
  annotations:
    summary: {{ .summary | quote }}
{{- end -}}
{{- end }}
