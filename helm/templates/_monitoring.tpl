{{/* The alerts, from thresholds that may each be null. Each has a service: what its callers see of the transformer, and
     the predictor. No expression leaves a label over, so that each alert has one set of them. */}}
{{- define "landmarks.alerts" -}}
{{- $root := . -}}
{{- $namespace := .Release.Namespace -}}
{{- $name := include "landmarks.fullname" . -}}
{{- $alerts := .Values.monitoring.alerts -}}
{{- $minutes := int ($alerts.minutes | default 10) -}}
{{- $window := printf "%dm" (max 1 (div $minutes 2)) -}}
{{- range $service := list "transformer" "predictor" -}}
{{- $component := ternary "predictor" $service $root.Facts.single -}}
{{- $pods := dict "root" $root "component" $component -}}
{{- $scale := index $root.Values.autoscaling $component -}}
{{- $series := printf `service="%s",%s` $service (include "landmarks.series" $pods) -}}
{{- $rate := printf "sum(rate(landmarks_requests_total{%s%%s}[%s]))" $series $window -}}
{{- $all := printf $rate "" -}}
{{- $mine := list -}}
{{- with $alerts.errorPercent -}}
{{- $failed := printf $rate `,code=~"internal|not_ready|predictor_unavailable|deadline_exceeded"` -}}
{{- $mine = append $mine (list "LandmarksErrors" "critical" (printf "100 * %s / %s > %v" $failed $all .)
      "fails {{ $value | humanize }} % of its requests by its own fault") -}}
{{- end -}}
{{- with $alerts.rejectedPercent -}}
{{- $refused := printf $rate `,code="overloaded"` -}}
{{- $mine = append $mine (list "LandmarksQueueFull" "warning" (printf "100 * %s / %s > %v" $refused $all .)
      "refuses {{ $value | humanize }} % of its requests: it needs more pods") -}}
{{- end -}}
{{- with $alerts.p99Seconds -}}
{{- $buckets := printf "sum by (le) (rate(landmarks_request_seconds_bucket{%s}[%s]))" $series $window -}}
{{- $mine = append $mine (list "LandmarksSlow" "warning" (printf "histogram_quantile(0.99, %s) > %v" $buckets .)
      "takes {{ $value | humanizeDuration }} or longer for 1 in 100 answers") -}}
{{- end -}}
{{- if and $scale.target (or (eq $service "transformer") (not $root.Facts.single)) -}}
{{- $mine = append $mine (list "LandmarksNotScaling" "warning"
      (printf "avg(landmarks_inflight_requests{%s}) > %v" $series $scale.target)
      "has {{ $value | humanize }} requests in flight in each pod, more than their target: at max, or the autoscaler doesn't add any") -}}
{{- end -}}
{{- if ne (toString $scale.min) "0" -}}
{{- $scraped := printf "(count(landmarks_inflight_requests{%s}) or vector(0)) == 0" $series -}}
{{- $ready := printf `kube_pod_status_ready{condition="true",namespace="%s",pod=~"%s"}` $namespace (include "landmarks.podNames" $pods) -}}
{{- $mine = append $mine (list "LandmarksNoReadyPod" "critical" (printf "(%s) or sum(%s) == 0" $scraped $ready)
      "has no pod that is ready and scraped") -}}
{{- if and (eq $service "transformer") (not $root.Facts.single) -}}
{{- $mine = append $mine (list "LandmarksPredictorAway" "critical" (printf "min(landmarks_predictor_ready{%s}) == 0" $series)
      "has pods that find no ready predictor") -}}
{{- end -}}
{{- end -}}
{{- range $mine }}
{{- $labels := dict "severity" (index . 1) "namespace" $namespace "inferenceservice" $name "component" $service
      "release" $root.Release.Name }}
- alert: {{ first . }}
  expr: {{ index . 2 | quote }}
  for: {{ $minutes }}m
  labels:
    {{- tpl (include "landmarks.mergeText" (list $labels $alerts.labels)) $root | nindent 4 }}
  annotations:
    summary: {{ printf "%s of %s/%s %s" $service $namespace $name (last .) | quote }}
{{- end -}}
{{- end -}}
{{- end }}
