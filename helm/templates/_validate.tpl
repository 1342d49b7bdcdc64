{{/* What nobody else says: neither values.schema.json nor the API server, which looks at each pod first (podcheck.yaml).
     What is gone is said always, the rest where .Values.checks isn't false (a renderer whose values have placeholders). */}}
{{- define "landmarks.validate" -}}
{{- if eq .Values.topology "collocated" -}}
{{- fail "topology collocated is gone: topology single is one pod too, of one process, with less memory; split is two. Install it as a second release, move the callers, uninstall this one." -}}
{{- end -}}
{{- if eq .Values.autoscaling.mode "hpa" -}}
{{- fail "autoscaling.mode hpa is gone, as CPU isn't concurrency: use knative or keda, or external with a HorizontalPodAutoscaler of your own (an installed one goes to none first, which takes KServe's away)." -}}
{{- end -}}
{{- if not (kindIs "invalid" .Values.canaryTrafficPercent) -}}
{{- fail "canaryTrafficPercent is now a value of each component: set transformer.canaryTrafficPercent or predictor.canaryTrafficPercent, of the one whose pods this upgrade changes. KServe would send the other's traffic back to a revision that was replaced long ago." -}}
{{- end -}}
{{- if ne (toString .Values.checks) "false" -}}
{{- include "landmarks.validateCluster" . -}}
{{- include "landmarks.validateNames" . -}}
{{- include "landmarks.validateScale" . -}}
{{- include "landmarks.validateModel" . -}}
{{- include "landmarks.validateMeta" . -}}
{{- include "landmarks.validatePods" . -}}
{{- include "landmarks.validateObjects" . -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateScale" -}}
{{- $auto := .Values.autoscaling -}}
{{- $mode := $auto.mode -}}
{{- range $component := splitList " " (include "landmarks.components" .) -}}
{{- $name := include "landmarks.scaleKey" (dict "root" $ "component" $component) -}}
{{- $scale := index $auto $name -}}
{{- if and (eq (include "landmarks.given" (list $scale.min 1)) "0") (ne $mode "knative") -}}
{{- fail (printf "autoscaling.%s.min is 0, but only autoscaling.mode knative scales to zero: with %s nothing would start a pod again." $name $mode) -}}
{{- end -}}
{{- if and $scale.limit $scale.target (lt (int $scale.limit) (int $scale.target)) -}}
{{- fail (printf "autoscaling.%s.limit (%d) is below autoscaling.%s.target (%d): a pod could never reach its target." $name (int $scale.limit) $name (int $scale.target)) -}}
{{- end -}}
{{- if and (eq $mode "keda") (not $scale.target) -}}
{{- fail (printf "autoscaling.mode keda scales on requests in flight: give autoscaling.%s.target, the number that a pod is meant to work on." $name) -}}
{{- end -}}
{{- if and (not (kindIs "invalid" (index $.Values $component "canaryTrafficPercent"))) (ne $mode "knative") -}}
{{- fail (printf "%s.canaryTrafficPercent needs autoscaling.mode knative: the plain Deployments of mode %s split no traffic." $component $mode) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $mode "knative") (gt (int .Values.timeoutSeconds) 595) -}}
{{- fail (printf "timeoutSeconds is %d, but Knative's longest (max-revision-timeout-seconds, 600 by default) leaves 595: plain Deployments take more." (int .Values.timeoutSeconds)) -}}
{{- end -}}
{{- if and (eq $mode "keda") (not $auto.keda.prometheus) -}}
{{- fail "autoscaling.mode keda asks a Prometheus: give its address in autoscaling.keda.prometheus, such as http://prometheus.monitoring.svc:9090." -}}
{{- end -}}
{{- if and (eq $mode "keda") $auto.keda.authenticationRef.authModes (not $auto.keda.authenticationRef.name) -}}
{{- fail "autoscaling.keda.authenticationRef.authModes says how, but nothing says who: name a TriggerAuthentication in autoscaling.keda.authenticationRef.name." -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateModel" -}}
{{- $model := .Values.model -}}
{{- range $key := list "path" "folder" -}}
{{- $value := toString (get $model $key | default "") -}}
{{- if and $value $model.storageUri (or (not (regexMatch "^/mnt/models(/|$)" $value)) (regexMatch "(^|/)\\.\\.?(/|$)" $value)) -}}
{{- fail (printf "model.%s (%s) must lie below /mnt/models when model.storageUri is set, without . and .. on the way: that is where KServe puts what it fetches." $key $value) -}}
{{- end -}}
{{- end -}}
{{- $claim := regexFind "^pvc://[^/]+" (toString $model.storageUri) | trimPrefix "pvc://" -}}
{{- if and $claim (not (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" $claim)) -}}
{{- fail (printf "model.storageUri (%s): a PersistentVolumeClaim can't be called %s." $model.storageUri $claim) -}}
{{- end -}}
{{- if and .Values.gpu.enabled (eq .Values.topology "single") -}}
{{- fail "gpu.enabled puts the predictor alone on GPU nodes, but with topology single it is one process with the transformer: set topology to split." -}}
{{- end -}}
{{- range $key, $usual := dict "resource" "nvidia.com/gpu" "repository" "landmarks-predictor-cuda" -}}
{{- if and $.Values.gpu.enabled (not (get $.Values.gpu $key)) -}}
{{- fail (printf "gpu.enabled is true: give gpu.%s, by default %s." $key $usual) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Labels and annotations by which KServe, and the chart's own objects, find and size the pods. */}}
{{- define "landmarks.validateMeta" -}}
{{- $labels := dict "commonLabels" .Values.commonLabels "inferenceService.labels" .Values.inferenceService.labels -}}
{{- $annotations := dict "inferenceService.annotations" .Values.inferenceService.annotations -}}
{{- range $name := list "predictor" "transformer" -}}
{{- $_ := set $labels (printf "%s.labels" $name) (index $.Values $name "labels") -}}
{{- $_ := set $annotations (printf "%s.annotations" $name) (index $.Values $name "annotations") -}}
{{- end -}}
{{- range $path, $given := $labels -}}
{{- range $key := list "component" "serving.kserve.io/inferenceservice" -}}
{{- if hasKey ($given | default dict) $key -}}
{{- fail (printf "%s has %s, which KServe sets and by which Services, budgets and monitors find the pods: choose another key." $path $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $decided := dict "autoscaling.knative.dev/min-scale" "autoscaling.*.min" "autoscaling.knative.dev/minScale" "autoscaling.*.min"
      "autoscaling.knative.dev/max-scale" "autoscaling.*.max" "autoscaling.knative.dev/maxScale" "autoscaling.*.max"
      "autoscaling.knative.dev/target" "autoscaling.*.target" "serving.kserve.io/deploymentMode" "autoscaling.mode"
      "serving.kserve.io/autoscalerClass" "autoscaling.mode" -}}
{{- range $path, $given := $annotations -}}
{{- range $key, $_ := $given -}}
{{- if hasKey $decided $key -}}
{{- fail (printf "%s has %s, which %s decides: set that." $path $key (get $decided $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validatePods" -}}
{{- range $name := splitList " " (include "landmarks.components" .) -}}
{{- $own := index $.Values $name -}}
{{- range $own.args -}}
{{- if regexMatch "^--?(http_port|grpc_port|model_name)" . -}}
{{- fail (printf "%s.args has %s, but probes and Services go by the chart's own: leave the ports, and set modelName for the name." $name .) -}}
{{- end -}}
{{- end -}}
{{- range $kind, $quantities := pick $own.resources "requests" "limits" -}}
{{- range $key, $given := $quantities -}}
{{- if and (has $key (list "memory" "ephemeral-storage")) (hasSuffix "m" (toString $given)) -}}
{{- fail (printf "%s.resources.%s.%s is %v, thousandths of a byte: mebibytes are written %sMi." $name $kind $key $given (trimSuffix "m" (toString $given))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if include "landmarks.knative" $ -}}
{{- range $key, $why := dict "strategy" "starts a whole revision beside the old one" "lifecycle" "takes no hooks" "terminationGracePeriodSeconds" "takes it from timeoutSeconds" -}}
{{- if get $own $key -}}
{{- fail (printf "%s.%s is for plain Deployments (autoscaling.mode keda, external or none): Knative %s." $name $key $why) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.topology "single" -}}
{{- range $key, $value := omit .Values.transformer "repository" "resources" "probes" "demoPage" -}}
{{- if $value -}}
{{- fail (printf "transformer.%s has no container of its own to count for with topology single: set %s.%s." $key (ternary "single" "predictor" (has $key (list "tag" "digest"))) $key) -}}
{{- end -}}
{{- end -}}
{{- range $key := list "tag" "digest" -}}
{{- if get $.Values.predictor $key -}}
{{- fail (printf "predictor.%s is of an image that topology single doesn't run: set single.%s." $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateObjects" -}}
{{- if and (include "landmarks.tlsSecret" .) (or (include "landmarks.knative" .) (eq .Values.topology "single")) -}}
{{- fail "tls encrypts gRPC between two Deployments: under Knative set its system-internal-tls, and topology single has no such connection." -}}
{{- end -}}
{{- $account := .Values.serviceAccount -}}
{{- if and (not $account.create) (not $account.name) -}}
{{- fail "serviceAccount.create is false: name one that exists in serviceAccount.name." -}}
{{- end -}}
{{- if and (not $account.create) (or $account.annotations $account.secrets) -}}
{{- fail (printf "serviceAccount.annotations and .secrets are for the account that the chart makes: with serviceAccount.create false give them to %s yourself." $account.name) -}}
{{- end -}}
{{- $watch := .Values.monitoring -}}
{{- if and $watch.interval $watch.scrapeTimeout (gt (include "landmarks.seconds" $watch.scrapeTimeout | float64) (include "landmarks.seconds" $watch.interval | float64)) -}}
{{- fail (printf "monitoring.scrapeTimeout (%s) is longer than monitoring.interval (%s), which the Prometheus operator refuses." $watch.scrapeTimeout $watch.interval) -}}
{{- end -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $policy.enabled (not (or $policy.fromNamespaces $policy.fromOwnNamespace $policy.extraFrom)) -}}
{{- fail "networkPolicy.enabled is true, but no source is left that may reach the service: give networkPolicy.fromNamespaces, fromOwnNamespace or extraFrom." -}}
{{- end -}}
{{- end }}

{{/* A duration (1m30s) as seconds. */}}
{{- define "landmarks.seconds" -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9]+(ms|[smhd])" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0) $unit)) -}}
{{- end -}}
{{ $sum }}
{{- end }}
