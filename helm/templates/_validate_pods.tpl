{{/* Values of the pods that Kubernetes, Knative or KServe would refuse. */}}
{{- define "landmarks.validatePods" -}}
{{- $collocated := include "landmarks.collocated" . -}}
{{- range $name := list "transformer" "predictor" -}}
{{- $own := index $.Values $name -}}
{{- if or (eq $name "predictor") (not (include "landmarks.single" $)) -}}
{{- include "landmarks.validateFields" (dict "root" $ "component" $name) -}}
{{- end -}}
{{- include "landmarks.validateUnique" (list (printf "%s.env" $name) "name" $own.env) -}}
{{- include "landmarks.validateUnique" (list (printf "%s.volumes" $name) "name" $own.volumes) -}}
{{- include "landmarks.validateUnique" (list (printf "%s.volumeMounts" $name) "mountPath" $own.volumeMounts) -}}
{{- $containers := list (dict "name" "kserve-container") (dict "name" "transformer-container") (dict "name" "queue-proxy") (dict "name" "storage-initializer") -}}
{{- include "landmarks.validateUnique" (list (printf "%s.extraContainers" $name) "name" (concat $containers ($own.extraContainers | default list) ($own.initContainers | default list))) -}}
{{- if include "landmarks.knative" $ -}}
{{- range $key, $why := dict "strategy" "starts a whole revision beside the old one" "lifecycle" "takes no hooks" "terminationGracePeriodSeconds" "takes it from timeoutSeconds" -}}
{{- if get $own $key -}}
{{- fail (printf "%s.%s is for plain Deployments (autoscaling.mode keda, hpa or none): Knative %s." $name $key $why) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $own.strategy (eq (get $own.strategy "type") "Recreate") (get $own.strategy "rollingUpdate") -}}
{{- fail (printf "%s.strategy has type Recreate, which takes no rollingUpdate." $name) -}}
{{- end -}}
{{- end -}}
{{- if include "landmarks.single" . -}}
{{- range $key, $value := omit .Values.transformer "repository" "resources" "probes" "demoPage" -}}
{{- if $value -}}
{{- fail (printf "transformer.%s has no container of its own to count for with topology single: set %s.%s." $key (ternary "single" "predictor" (has $key (list "tag" "digest"))) $key) -}}
{{- end -}}
{{- end -}}
{{- range $kind, $probe := .Values.transformer.probes -}}
{{- if $probe -}}
{{- fail (printf "transformer.probes.%s has no container of its own to count for with topology single: set predictor.probes.%s." $kind $kind) -}}
{{- end -}}
{{- end -}}
{{- range $key := list "tag" "digest" -}}
{{- if get $.Values.predictor $key -}}
{{- fail (printf "predictor.%s is of an image that topology single doesn't run: set single.%s." $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $collocated -}}
{{- $both := list -}}
{{- range $name := list "predictor" "transformer" -}}
{{- range $kind := list "extraContainers" "initContainers" -}}
{{- $both = concat $both (include "landmarks.extraContainers" (list $ (index $.Values $name $kind)) | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- include "landmarks.validateUnique" (list "The one pod of topology collocated" "name" $both) -}}
{{- range $volume := .Values.transformer.volumes -}}
{{- range $.Values.predictor.volumes -}}
{{- if and (eq .name $volume.name) (ne (toYaml .) (toYaml $volume)) -}}
{{- fail (printf "predictor.volumes and transformer.volumes have two that are called %s: with topology collocated they are in one pod." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key := list "annotations" "labels" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName"
      "runtimeClassName" "strategy" "terminationGracePeriodSeconds" "initContainers" "podSpec" -}}
{{- if get $.Values.transformer $key -}}
{{- fail (printf "transformer.%s has no pod of its own to count for with topology collocated: set predictor.%s." $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* list PATH KEY LIST: no two entries may have the same key. */}}
{{- define "landmarks.validateUnique" -}}
{{- $path := index . 0 -}}
{{- $key := index . 1 -}}
{{- $seen := dict -}}
{{- range index . 2 -}}
{{- $value := get . $key -}}
{{- if hasKey $seen $value -}}
{{- fail (printf "%s has the %s %s twice: each may be there once." $path $key $value) -}}
{{- end -}}
{{- $_ := set $seen $value true -}}
{{- end -}}
{{- end }}
