{{/* The alerts, from thresholds that may each be null. Each has a service: what its callers see of the
     transformer, and the predictor. No expression leaves a label over, so that each alert has one set of them. */}}
{{- define "landmarks.alerts" -}}
{{- $root := . -}}
{{- $alerts := .Values.monitoring.alerts -}}
{{- $name := printf "%s/%s" .Release.Namespace (include "landmarks.fullname" .) -}}
{{- $single := eq .Values.topology "single" -}}
{{- $minutes := int ($alerts.minutes | default 10) -}}
{{- $window := printf "%dm" (max 1 (div $minutes 2)) -}}
{{- range $service := list "transformer" "predictor" -}}
{{- $component := ternary "predictor" $service $single -}}
{{- $pods := dict "root" $root "component" $component -}}
{{- $series := printf "service=\"%s\",%s" $service (include "landmarks.series" $pods) -}}
{{- $rate := printf "sum(rate(landmarks_requests_total{%s%%s}[%s]))" $series $window -}}
{{- $all := printf $rate "" -}}
{{- $scale := index $root.Values.autoscaling (include "landmarks.scaleKey" $pods) -}}
{{- $mine := list -}}
{{- with $alerts.errorPercent -}}
{{- $failed := printf $rate ",code=~\"internal|not_ready|predictor_unavailable|deadline_exceeded\"" -}}
{{- $mine = append $mine (list "LandmarksErrors" "critical" (printf "100 * %s / %s > %v" $failed $all .) "fails {{ $value | humanize }} % of its requests by its own fault") -}}
{{- end -}}
{{- with $alerts.rejectedPercent -}}
{{- $mine = append $mine (list "LandmarksQueueFull" "warning" (printf "100 * %s / %s > %v" (printf $rate ",code=\"overloaded\"") $all .) "refuses {{ $value | humanize }} % of its requests: it needs more pods") -}}
{{- end -}}
{{- with $alerts.p99Seconds -}}
{{- $mine = append $mine (list "LandmarksSlow" "warning" (printf "histogram_quantile(0.99, sum by (le) (rate(landmarks_request_seconds_bucket{%s}[%s]))) > %v" $series $window .) "takes {{ $value | humanizeDuration }} or longer for 1 in 100 answers") -}}
{{- end -}}
{{- if not (and $single (eq $service "predictor")) -}}
{{- with $scale.target -}}
{{- $mine = append $mine (list "LandmarksNotScaling" "warning" (printf "avg(landmarks_inflight_requests{%s}) > %v" $series .) "has {{ $value | humanize }} requests in flight in each pod, more than their target: at max, or the autoscaler doesn't add any") -}}
{{- end -}}
{{- end -}}
{{- if ne (include "landmarks.given" (list $scale.min 1)) "0" -}}
{{- $ready := printf "sum(kube_pod_status_ready{condition=\"true\",namespace=\"%s\",pod=~\"%s\"}) == 0" $root.Release.Namespace (include "landmarks.podNames" $pods) -}}
{{- $mine = append $mine (list "LandmarksNoReadyPod" "critical" (printf "((count(landmarks_inflight_requests{%s}) or vector(0)) == 0) or %s" $series $ready) "has no pod that is ready and scraped") -}}
{{- if and (eq $service "transformer") (not $single) -}}
{{- $mine = append $mine (list "LandmarksPredictorAway" "critical" (printf "min(landmarks_predictor_ready{%s}) == 0" $series) "has pods that find no ready predictor") -}}
{{- end -}}
{{- end -}}
{{- range $mine }}
{{- $labels := dict "severity" (index . 1) "namespace" $root.Release.Namespace "inferenceservice" (include "landmarks.fullname" $root)
      "component" $service "release" $root.Release.Name }}
- alert: {{ index . 0 }}
  expr: {{ index . 2 | quote }}
  for: {{ printf "%dm" $minutes }}
  labels:
    {{- tpl (include "landmarks.override" (list $labels $alerts.labels)) $root | nindent 4 }}
  annotations:
    summary: {{ printf "%s of %s %s" $service $name (index . 3) | quote }}
{{- end -}}
{{- end -}}
{{- end }}
