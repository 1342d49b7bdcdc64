{{/* What would fail later, refused now with a sentence. (Wrong names, types and forms are refused
     by values.schema.json.) */}}
{{- define "landmarks.validate" -}}
{{- include "landmarks.validateCluster" . -}}
{{- include "landmarks.validateNames" . -}}
{{- include "landmarks.validateScale" . -}}
{{- include "landmarks.validateModel" . -}}
{{- include "landmarks.validateMeta" . -}}
{{- include "landmarks.validateSecurity" . -}}
{{- include "landmarks.validateTolerations" (list "gpu.tolerations" .Values.gpu.tolerations) -}}
{{- include "landmarks.validateTolerations" (list "test.tolerations" .Values.test.tolerations) -}}
{{- include "landmarks.validatePods" . -}}
{{- if include "landmarks.knative" . }}{{ include "landmarks.validateMounted" . }}{{ end -}}
{{- include "landmarks.validateObjects" . -}}
{{- end }}

{{- define "landmarks.validateScale" -}}
{{- $auto := .Values.autoscaling -}}
{{- $mode := $auto.mode -}}
{{- range $name := splitList " " (include "landmarks.components" .) -}}
{{- $name = include "landmarks.scaleKey" (dict "root" $ "component" $name) -}}
{{- $scale := index $auto $name -}}
{{- $min := include "landmarks.given" (list $scale.min 1) | int -}}
{{- if and (ne $mode "none") $scale.max (gt $min (int $scale.max)) -}}
{{- fail (printf "autoscaling.%s.min (%d) is greater than autoscaling.%s.max (%d)." $name $min $name (int $scale.max)) -}}
{{- end -}}
{{- if and (eq $min 0) (ne $mode "knative") -}}
{{- fail (printf "autoscaling.%s.min is 0, but only autoscaling.mode knative scales to zero: with %s nothing would start a pod again." $name $mode) -}}
{{- end -}}
{{- if and (eq $mode "knative") $scale.limit $scale.target (lt (int $scale.limit) (int $scale.target)) -}}
{{- fail (printf "autoscaling.%s.limit (%d) is below autoscaling.%s.target (%d): a pod could never reach its target." $name (int $scale.limit) $name (int $scale.target)) -}}
{{- end -}}
{{- if and (eq $mode "keda") (not $scale.target) -}}
{{- fail (printf "autoscaling.mode keda scales on requests in flight: give autoscaling.%s.target, the number that a pod is meant to work on." $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $mode "keda") (not $auto.keda.prometheus) -}}
{{- fail "autoscaling.mode keda asks a Prometheus: give its address in autoscaling.keda.prometheus, such as http://prometheus.monitoring.svc:9090." -}}
{{- end -}}
{{- if and (eq $mode "keda") $auto.keda.authenticationRef.authModes (not $auto.keda.authenticationRef.name) -}}
{{- fail "autoscaling.keda.authenticationRef.authModes says how, but nothing says who: name a TriggerAuthentication in autoscaling.keda.authenticationRef.name." -}}
{{- end -}}
{{- if eq $mode "hpa" -}}
{{- if not $auto.hpa.cpu -}}
{{- fail "autoscaling.mode hpa scales on CPU: give autoscaling.hpa.cpu, in percent of the CPU request." -}}
{{- end -}}
{{- range $name := ternary (list "predictor") (list "transformer" "predictor") (eq .Values.topology "single") -}}
{{- if not (get (index $.Values $name "resources" "requests" | default dict) "cpu") -}}
{{- fail (printf "autoscaling.mode hpa scales on the share of the CPU request: set %s.resources.requests.cpu." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (not (kindIs "invalid" .Values.canaryTrafficPercent)) (ne $mode "knative") -}}
{{- fail (printf "canaryTrafficPercent needs autoscaling.mode knative: the plain Deployments of mode %s split no traffic." $mode) -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateModel" -}}
{{- $model := .Values.model -}}
{{- if $model.storageUri -}}
{{- if not (or $model.path $model.folder) -}}
{{- fail (printf "model.storageUri is %s, but nothing says which of its files to load: name the checkpoint in model.path, such as /mnt/models/unet.pth, or the folder of several in model.folder." $model.storageUri) -}}
{{- end -}}
{{- if and $model.path (not (regexMatch "^/mnt/models/(.+/)?[^/]+\\.(pth|pt)$" $model.path)) -}}
{{- fail (printf "model.path (%s) must lie below /mnt/models when model.storageUri is set, and be a checkpoint, .pth or .pt." $model.path) -}}
{{- end -}}
{{- if and $model.folder (not (regexMatch "^/mnt/models(/.*)?$" $model.folder)) -}}
{{- fail (printf "model.folder (%s) must lie below /mnt/models when model.storageUri is set: that is where KServe puts what it fetches." $model.folder) -}}
{{- end -}}
{{- range $key := list "path" "folder" -}}
{{- $value := toString (get $model $key) -}}
{{- if regexMatch "(^|/)\\.\\.?(/|$)" $value -}}
{{- fail (printf "model.%s (%s) must lie below /mnt/models without . and .. on the way." $key $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $model.path (not (regexMatch "\\.(pth|pt)$" $model.path)) -}}
{{- fail (printf "model.path (%s) must be a checkpoint, .pth or .pt." $model.path) -}}
{{- end -}}
{{- $claim := regexFind "^pvc://[^/]+" (toString $model.storageUri) | trimPrefix "pvc://" -}}
{{- if and $claim (not (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" $claim)) -}}
{{- fail (printf "model.storageUri (%s): a PersistentVolumeClaim can't be called %s." $model.storageUri $claim) -}}
{{- end -}}
{{- if and .Values.gpu.enabled (include "landmarks.single" .) -}}
{{- fail "gpu.enabled puts the predictor alone on GPU nodes, but with topology single it is one process with the transformer: set topology to split or collocated." -}}
{{- end -}}
{{- if .Values.gpu.enabled -}}
{{- range $key := list "resource" "repository" -}}
{{- if not (get $.Values.gpu $key) -}}
{{- fail (printf "gpu.enabled is true: give gpu.%s, by default %s." $key (ternary "nvidia.com/gpu" "landmarks-predictor-cuda" (eq $key "resource"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateObjects" -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false: name one that exists in serviceAccount.name." -}}
{{- end -}}
{{- $watch := .Values.monitoring -}}
{{- if and $watch.interval $watch.scrapeTimeout (gt (include "landmarks.seconds" $watch.scrapeTimeout | float64) (include "landmarks.seconds" $watch.interval | float64)) -}}
{{- fail (printf "monitoring.scrapeTimeout (%s) is longer than monitoring.interval (%s), which the Prometheus operator refuses." $watch.scrapeTimeout $watch.interval) -}}
{{- end -}}
{{- $account := .Values.serviceAccount -}}
{{- if and (not $account.create) (or $account.annotations $account.secrets) -}}
{{- fail (printf "serviceAccount.annotations and .secrets are for the account that the chart makes: with serviceAccount.create false give them to %s yourself." $account.name) -}}
{{- end -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $policy.enabled (not (or $policy.fromNamespaces $policy.fromOwnNamespace $policy.extraFrom)) -}}
{{- fail "networkPolicy.enabled is true, but no source is left that may reach the service: give networkPolicy.fromNamespaces, fromOwnNamespace or extraFrom." -}}
{{- end -}}
{{- range $policy.extraFrom -}}
{{- if and .ipBlock (or (hasKey . "podSelector") (hasKey . "namespaceSelector")) -}}
{{- fail "networkPolicy.extraFrom has an entry with ipBlock and a selector: give each an entry of its own." -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := .Values.inferenceService.annotations -}}
{{- if has $key (list "serving.kserve.io/deploymentMode" "serving.kserve.io/autoscalerClass") -}}
{{- fail (printf "inferenceService.annotations has %s, which autoscaling.mode decides: set that." $key) -}}
{{- end -}}
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
