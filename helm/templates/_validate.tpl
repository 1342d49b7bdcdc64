{{/* What nobody else says: neither values.schema.json nor the API server, which looks at each pod first (podcheck.yaml).
     What is gone is said always, the rest where .Values.checks isn't false (a renderer whose values have placeholders). */}}
{{- define "landmarks.validate" -}}
{{- include "landmarks.refuse" (list (eq .Values.topology "collocated")
      "topology collocated is gone: topology single is one pod too, of one process, with less memory; split is two."
      "Install it as a second release, move the callers, uninstall this one.") -}}
{{- include "landmarks.refuse" (list (eq .Values.autoscaling.mode "hpa")
      "autoscaling.mode hpa is gone, as CPU isn't concurrency: use knative or keda, or external with a"
      "HorizontalPodAutoscaler of your own (an installed one goes to none first, which takes KServe's away).") -}}
{{- include "landmarks.refuse" (list (not (kindIs "invalid" .Values.canaryTrafficPercent))
      "canaryTrafficPercent is now a value of each component: set transformer.canaryTrafficPercent or"
      "predictor.canaryTrafficPercent, of the one whose pods this upgrade changes. KServe would send the other's traffic"
      "back to a revision that was replaced long ago.") -}}
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

{{/* list CONDITION PART...: where the condition holds, refuses with a sentence of these parts. */}}
{{- define "landmarks.refuse" -}}
{{- if first . }}{{ fail (rest . | join " ") }}{{ end -}}
{{- end }}

{{- define "landmarks.validateScale" -}}
{{- $auto := .Values.autoscaling -}}
{{- $mode := $auto.mode -}}
{{- range $component := .Facts.components -}}
{{- $name := printf "autoscaling.%s" (ternary "single" $component $.Facts.single) -}}
{{- $scale := index $auto $component -}}
{{- include "landmarks.refuse" (list (and (eq (toString $scale.min) "0") (ne $mode "knative"))
      (printf "%s.min is 0, but only autoscaling.mode knative scales to zero: with %s nothing would start a pod again." $name $mode)) -}}
{{- $below := and $scale.limit $scale.target (lt (int $scale.limit) (int $scale.target)) -}}
{{- include "landmarks.refuse" (list $below
      (printf "%s.limit (%d) is below %s.target (%d):" $name (int $scale.limit) $name (int $scale.target))
      "a pod could never reach its target.") -}}
{{- include "landmarks.refuse" (list (and (eq $mode "keda") (not $scale.target))
      "autoscaling.mode keda scales on requests in flight:"
      (printf "give %s.target, the number that a pod is meant to work on." $name)) -}}
{{- $canary := not (kindIs "invalid" (index $.Values $component "canaryTrafficPercent")) -}}
{{- include "landmarks.refuse" (list (and $canary (ne $mode "knative"))
      (printf "%s.canaryTrafficPercent needs autoscaling.mode knative:" $component)
      (printf "the plain Deployments of mode %s split no traffic." $mode)) -}}
{{- end -}}
{{- include "landmarks.refuse" (list (and .Facts.knative (gt (int .Values.timeoutSeconds) 595))
      (printf "timeoutSeconds is %d, but Knative's longest" (int .Values.timeoutSeconds))
      "(max-revision-timeout-seconds, 600 by default) leaves 595: plain Deployments take more.") -}}
{{- include "landmarks.refuse" (list (and (eq $mode "keda") (not $auto.keda.prometheus))
      "autoscaling.mode keda asks a Prometheus: give its address in autoscaling.keda.prometheus,"
      "such as http://prometheus.monitoring.svc:9090.") -}}
{{- $ref := $auto.keda.authenticationRef -}}
{{- include "landmarks.refuse" (list (and (eq $mode "keda") $ref.authModes (not $ref.name))
      "autoscaling.keda.authenticationRef.authModes says how, but nothing says who:"
      "name a TriggerAuthentication in autoscaling.keda.authenticationRef.name.") -}}
{{- end }}

{{- define "landmarks.validateModel" -}}
{{- $uri := toString .Values.model.storageUri -}}
{{- range $key, $value := pick .Values.model "path" "folder" -}}
{{- $outside := or (not (regexMatch "^/mnt/models(/|$)" (toString $value))) (regexMatch "(^|/)\\.\\.?(/|$)" (toString $value)) -}}
{{- include "landmarks.refuse" (list (and $value $.Values.model.storageUri $outside)
      (printf "model.%s (%s) must lie below /mnt/models when model.storageUri is set, without . and .. on the way:" $key (toString $value))
      "that is where KServe puts what it fetches.") -}}
{{- end -}}
{{- $claim := regexFind "^pvc://[^/]+" $uri | trimPrefix "pvc://" -}}
{{- include "landmarks.refuse" (list (and $claim (not (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" $claim)))
      (printf "model.storageUri (%s): a PersistentVolumeClaim can't be called %s." $uri $claim)) -}}
{{- include "landmarks.refuse" (list (and .Values.gpu.enabled .Facts.single)
      "gpu.enabled puts the predictor alone on GPU nodes, but with topology single it is one process with the transformer:"
      "set topology to split.") -}}
{{- range $key, $usual := dict "resource" "nvidia.com/gpu" "repository" "landmarks-predictor-cuda" -}}
{{- include "landmarks.refuse" (list (and $.Values.gpu.enabled (not (get $.Values.gpu $key)))
      (printf "gpu.enabled is true: give gpu.%s, by default %s." $key $usual)) -}}
{{- end -}}
{{- end }}

{{/* Labels and annotations by which KServe, and the chart's own objects, find and size the pods. */}}
{{- define "landmarks.validateMeta" -}}
{{- $decided := dict "autoscaling.knative.dev/min-scale" "autoscaling.*.min" "autoscaling.knative.dev/minScale" "autoscaling.*.min"
      "autoscaling.knative.dev/max-scale" "autoscaling.*.max" "autoscaling.knative.dev/maxScale" "autoscaling.*.max"
      "autoscaling.knative.dev/target" "autoscaling.*.target" "serving.kserve.io/deploymentMode" "autoscaling.mode"
      "serving.kserve.io/autoscalerClass" "autoscaling.mode" -}}
{{- $labels := dict "commonLabels" .Values.commonLabels -}}
{{- range $path := list "inferenceService" "predictor" "transformer" -}}
{{- $_ := set $labels (printf "%s.labels" $path) (index $.Values $path "labels") -}}
{{- range $key, $_ := index $.Values $path "annotations" -}}
{{- include "landmarks.refuse" (list (hasKey $decided $key)
      (printf "%s.annotations has %s, which %s decides: set that." $path $key (get $decided $key))) -}}
{{- end -}}
{{- end -}}
{{- range $path, $given := $labels -}}
{{- range $key, $_ := $given -}}
{{- include "landmarks.refuse" (list (has $key (list "component" "serving.kserve.io/inferenceservice"))
      (printf "%s has %s, which KServe sets and by which Services, budgets and monitors find the pods:" $path $key)
      "choose another key.") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validatePods" -}}
{{- $plainOnly := dict "strategy" "starts a whole revision beside the old one" "lifecycle" "takes no hooks"
      "terminationGracePeriodSeconds" "takes it from timeoutSeconds" -}}
{{- range $name := .Facts.components -}}
{{- $own := index $.Values $name -}}
{{- range $own.args -}}
{{- include "landmarks.refuse" (list (regexMatch "^--?(http_port|grpc_port|model_name)" .)
      (printf "%s.args has %s, but probes and Services go by the chart's own:" $name .)
      "leave the ports, and set modelName for the name.") -}}
{{- end -}}
{{- range $kind, $quantities := pick $own.resources "requests" "limits" -}}
{{- range $key, $given := pick ($quantities | default dict) "memory" "ephemeral-storage" -}}
{{- $number := toString $given | trimSuffix "m" -}}
{{- include "landmarks.refuse" (list (hasSuffix "m" (toString $given))
      (printf "%s.resources.%s.%s is %v, thousandths of a byte: mebibytes are written %sMi." $name $kind $key $given $number)) -}}
{{- end -}}
{{- end -}}
{{- range $key, $why := $plainOnly -}}
{{- include "landmarks.refuse" (list (and $.Facts.knative (get $own $key))
      (printf "%s.%s is for plain Deployments (autoscaling.mode keda, external or none): Knative %s." $name $key $why)) -}}
{{- end -}}
{{- end -}}
{{- if .Facts.single -}}
{{- range $key, $value := omit .Values.transformer "repository" "resources" "probes" "demoPage" -}}
{{- $instead := printf "%s.%s" (ternary "single" "predictor" (has $key (list "tag" "digest"))) $key -}}
{{- include "landmarks.refuse" (list $value
      (printf "transformer.%s has no container of its own to count for with topology single: set %s." $key $instead)) -}}
{{- end -}}
{{- range $key, $value := pick .Values.predictor "tag" "digest" -}}
{{- include "landmarks.refuse" (list $value
      (printf "predictor.%s is of an image that topology single doesn't run: set single.%s." $key $key)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateObjects" -}}
{{- include "landmarks.refuse" (list (and .Facts.tlsSecret (or .Facts.knative .Facts.single))
      "tls encrypts gRPC between two Deployments: under Knative set its system-internal-tls,"
      "and topology single has no such connection.") -}}
{{- $account := .Values.serviceAccount -}}
{{- include "landmarks.refuse" (list (not (or $account.create $account.name))
      "serviceAccount.create is false: name one that exists in serviceAccount.name.") -}}
{{- include "landmarks.refuse" (list (and (not $account.create) (or $account.annotations $account.secrets))
      "serviceAccount.annotations and .secrets are for the account that the chart makes:"
      (printf "with serviceAccount.create false give them to %s yourself." $account.name)) -}}
{{- $watch := .Values.monitoring -}}
{{- $asked := include "landmarks.seconds" ($watch.interval | default "") | float64 -}}
{{- $waited := include "landmarks.seconds" ($watch.scrapeTimeout | default "") | float64 -}}
{{- include "landmarks.refuse" (list (and $watch.interval (gt $waited $asked))
      (printf "monitoring.scrapeTimeout (%s) is longer than monitoring.interval (%s)," $watch.scrapeTimeout $watch.interval)
      "which the Prometheus operator refuses.") -}}
{{- $policy := .Values.networkPolicy -}}
{{- include "landmarks.refuse" (list (and $policy.enabled (not (or $policy.fromNamespaces $policy.fromOwnNamespace $policy.extraFrom)))
      "networkPolicy.enabled is true, but no source is left that may reach the service:"
      "give networkPolicy.fromNamespaces, fromOwnNamespace or extraFrom.") -}}
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
