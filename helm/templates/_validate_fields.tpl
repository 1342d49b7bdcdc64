{{/* What every object's schema takes, and the pod's own rules then refuse: KServe accepts it and no pod
     ever comes. dict root, component */}}
{{- define "landmarks.validateFields" -}}
{{- $own := index .root.Values .component -}}
{{- include "landmarks.validateEnv" . -}}
{{- include "landmarks.validateMounts" . -}}
{{- include "landmarks.validateProbes" . -}}
{{- include "landmarks.validateQuantities" . -}}
{{- include "landmarks.validateTolerations" (list (printf "%s.tolerations" .component) $own.tolerations) -}}
{{- range $own.args -}}
{{- $flag := regexFind "^--?(http_port|grpc_port|model_name)" . -}}
{{- if $flag -}}
{{- fail (printf "%s.args has %s, but probes and Services go by the chart's own: leave the ports, and set modelName for the name." $.component .) -}}
{{- end -}}
{{- end -}}
{{- include "landmarks.validatePodSpec" . -}}
{{- range $own.envFrom -}}
{{- if and .configMapRef .secretRef -}}
{{- fail (printf "%s.envFrom has an entry with configMapRef and secretRef: give each an entry of its own." $.component) -}}
{{- end -}}
{{- end -}}
{{- $seen := dict -}}
{{- range $own.topologySpreadConstraints -}}
{{- $key := printf "%s, %s" .topologyKey (.whenUnsatisfiable | default "ScheduleAnyway") -}}
{{- if hasKey $seen $key -}}
{{- fail (printf "%s.topologySpreadConstraints has %s twice: each pair may be there once." $.component $key) -}}
{{- end -}}
{{- $_ := set $seen $key true -}}
{{- if and .minDomains (ne (toString .whenUnsatisfiable) "DoNotSchedule") -}}
{{- fail (printf "%s.topologySpreadConstraints has minDomains, which counts with whenUnsatisfiable DoNotSchedule only." $.component) -}}
{{- end -}}
{{- end -}}
{{- $rolling := get ($own.strategy | default dict) "rollingUpdate" | default dict -}}
{{- if and (hasKey $rolling "maxSurge") (hasKey $rolling "maxUnavailable") -}}
{{- if and (has (toString $rolling.maxSurge) (list "0" "0%")) (has (toString $rolling.maxUnavailable) (list "0" "0%")) -}}
{{- fail (printf "%s.strategy.rollingUpdate has 0 for maxSurge and maxUnavailable: no pod could ever be replaced." .component) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateEnv" -}}
{{- $reserved := list "PORT" "K_SERVICE" "K_CONFIGURATION" "K_REVISION" -}}
{{- range $entry := index .root.Values .component "env" -}}
{{- if and $entry.valueFrom (not (kindIs "invalid" $entry.value)) (ne (toString $entry.value) "") -}}
{{- fail (printf "%s.env gives %s a value and a valueFrom: it takes one of them." $.component $entry.name) -}}
{{- end -}}
{{- if and (include "landmarks.knative" $.root) (has $entry.name $reserved) -}}
{{- fail (printf "%s.env has %s, which Knative sets itself and refuses." $.component $entry.name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A mount needs a volume of its name: of the chart, the user, or KServe (the model's). */}}
{{- define "landmarks.validateMounts" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $there := list "tmp" "kserve-provision-location" "kserve-pvc-source" -}}
{{- $parts := list $own -}}
{{- if include "landmarks.collocated" $root }}{{ $parts = list $root.Values.predictor $root.Values.transformer }}{{ end -}}
{{- range $part := $parts }}{{ range $part.volumes }}{{ $there = append $there .name }}{{ end }}{{ end -}}
{{- range $own.volumeMounts -}}
{{- if and .subPath .subPathExpr -}}
{{- fail (printf "%s.volumeMounts has a subPath and a subPathExpr at %s: it takes one of them." $.component .mountPath) -}}
{{- end -}}
{{- if not (has .name $there) -}}
{{- fail (printf "%s.volumeMounts has %s at %s, but no volume is called so: add it to %s.volumes." $.component .name .mountPath $.component) -}}
{{- end -}}
{{- end -}}
{{- range $kind := list "extraContainers" "initContainers" -}}
{{- range $container := include "landmarks.extraContainers" (list $root (index $own $kind)) | fromYamlArray -}}
{{- $path := printf "%s.%s (%s)" $.component $kind $container.name -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" (toString $container.name)) -}}
{{- fail (printf "%s: a container's name has small letters, digits and dashes, 63 at most." $path) -}}
{{- end -}}
{{- include "landmarks.validateUnique" (list (printf "%s.env" $path) "name" $container.env) -}}
{{- include "landmarks.validateUnique" (list (printf "%s.volumeMounts" $path) "mountPath" $container.volumeMounts) -}}
{{- range $container.volumeMounts -}}
{{- if not (has .name $there) -}}
{{- fail (printf "%s mounts %s, but no volume is called so: add it to %s.volumes." $path .name $.component) -}}
{{- end -}}
{{- end -}}
{{- if and (include "landmarks.knative" $root) (eq $kind "extraContainers") -}}
{{- range $key := list "ports" "lifecycle" -}}
{{- if get $container $key -}}
{{- fail (printf "%s has %s, which Knative takes for no container but the one that serves." $path $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validatePodSpec" -}}
{{- $spec := index .root.Values .component "podSpec" | default dict -}}
{{- if and (eq (toString $spec.dnsPolicy) "None") (not $spec.dnsConfig) -}}
{{- fail (printf "%s.podSpec has dnsPolicy None, which needs a dnsConfig: no name would be found." .component) -}}
{{- end -}}
{{- range $key := list "hostNetwork" "hostPID" "hostIPC" -}}
{{- if and (get $spec $key) (eq (toString $spec.hostUsers) "false") -}}
{{- fail (printf "%s.podSpec has %s with hostUsers false, which Kubernetes refuses together." $.component $key) -}}
{{- end -}}
{{- end -}}
{{- if include "landmarks.knative" .root -}}
{{- $kinds := list "configMap" "csi" "emptyDir" "hostPath" "image" "persistentVolumeClaim" "projected" "secret" -}}
{{- range $volume := index .root.Values .component "volumes" -}}
{{- range $kind, $_ := omit $volume "name" -}}
{{- if not (has $kind $kinds) -}}
{{- fail (printf "%s.volumes: %s is of the kind %s, but Knative takes %s only: use a persistentVolumeClaim, or plain Deployments." $.component $volume.name $kind (join ", " $kinds)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Knative refuses a volume that no container mounts; Kubernetes takes it. */}}
{{- define "landmarks.validateMounted" -}}
{{- $mounted := dict "tmp" true -}}
{{- range $name := list "predictor" "transformer" -}}
{{- $own := index $.Values $name -}}
{{- if not (include "landmarks.collocated" $) }}{{ $mounted = dict }}{{ end -}}
{{- range $own.volumeMounts }}{{ $_ := set $mounted .name true }}{{ end -}}
{{- range $kind := list "extraContainers" "initContainers" -}}
{{- range index $own $kind }}{{ range .volumeMounts }}{{ $_ := set $mounted .name true }}{{ end }}{{ end -}}
{{- end -}}
{{- if or (eq $name "transformer") (not (include "landmarks.collocated" $)) -}}
{{- range concat ($own.volumes | default list) (ternary ($.Values.predictor.volumes | default list) list (ne "" (include "landmarks.collocated" $))) -}}
{{- if not (or (hasKey $mounted .name) (eq .name "tmp")) -}}
{{- fail (printf "%s.volumes has %s, which no container mounts, and Knative refuses that: add it to %s.volumeMounts." $name .name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateProbes" -}}
{{- range $kind, $probe := index .root.Values .component "probes" -}}
{{- $path := printf "%s.probes.%s" $.component $kind -}}
{{- $handlers := list -}}
{{- range $key := list "exec" "grpc" "httpGet" "tcpSocket" -}}
{{- if hasKey ($probe | default dict) $key -}}
{{- $handlers = append $handlers $key -}}
{{- if not (get $probe $key) -}}
{{- fail (printf "%s.%s is empty: say what it asks, or leave it out for the chart's own." $path $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (len $handlers) 1 -}}
{{- fail (printf "%s has %s: a probe takes one of them." $path (join " and " $handlers)) -}}
{{- end -}}
{{- if and (ne $kind "readiness") (gt (int (get ($probe | default dict) "successThreshold")) 1) -}}
{{- fail (printf "%s.successThreshold has to be 1: only readiness may ask for more." $path) -}}
{{- end -}}
{{- if and (eq $kind "readiness") (get ($probe | default dict) "terminationGracePeriodSeconds") -}}
{{- fail (printf "%s takes no terminationGracePeriodSeconds: it stops no pod." $path) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* No request above its limit; of a device (nvidia.com/gpu) they are the same whole number. */}}
{{- define "landmarks.validateQuantities" -}}
{{- $resources := index .root.Values .component "resources" -}}
{{- $limits := $resources.limits | default dict -}}
{{- if and (eq .component "predictor") .root.Values.gpu.enabled -}}
{{- $limits = merge (deepCopy $limits) (dict .root.Values.gpu.resource (.root.Values.gpu.count | default 1)) -}}
{{- end -}}
{{- range $name, $wish := $resources.requests -}}
{{- if not (kindIs "invalid" $wish) -}}
{{- $limit := get $limits $name -}}
{{- $device := and (contains "/" $name) (not (hasPrefix "kubernetes.io/" $name)) -}}
{{- $none := or (not (hasKey $limits $name)) (kindIs "invalid" $limit) -}}
{{- if and $device (or $none (ne (include "landmarks.quantity" $wish) (include "landmarks.quantity" $limit))) -}}
{{- fail (printf "%s.resources.requests has %v of %s, but a device's request and limit have to be the same: leave the request out." $.component $wish $name) -}}
{{- end -}}
{{- if and (not $none) (gt (include "landmarks.quantity" $wish | float64) (include "landmarks.quantity" $limit | float64)) -}}
{{- fail (printf "%s.resources.requests.%s (%v) is above %s.resources.limits.%s (%v)." $.component $name $wish $.component $name $limit) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $limit := $limits -}}
{{- if not (kindIs "invalid" $limit) -}}
{{- $number := include "landmarks.quantity" $limit | float64 -}}
{{- if and (contains "/" $name) (ne (floor $number) $number) -}}
{{- fail (printf "%s.resources.limits has %v of %s: a device is given as a whole." $.component $limit $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $kind, $quantities := pick $resources "requests" "limits" -}}
{{- range $name, $given := $quantities -}}
{{- if and (has $name (list "memory" "ephemeral-storage")) (hasSuffix "m" (toString $given)) -}}
{{- fail (printf "%s.resources.%s.%s is %v, thousandths of a byte: mebibytes are written %sMi." $.component $kind $name $given (trimSuffix "m" (toString $given))) -}}
{{- end -}}
{{- if not (or (contains "/" $name) (has $name (list "cpu" "memory" "ephemeral-storage")) (hasPrefix "hugepages-" $name)) -}}
{{- fail (printf "%s.resources.%s has %s, which is no resource: cpu, memory, ephemeral-storage, hugepages-SIZE, or a device's with its domain (nvidia.com/gpu)." $.component $kind $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A quantity (500m, 1Gi, 2) as a number. */}}
{{- define "landmarks.quantity" -}}
{{- $text := toString . -}}
{{- $suffix := regexFind "[KMGTPE]i$|[numkMGTPE]$" $text -}}
{{- $factor := get (dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18
      "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0) $suffix -}}
{{- mulf (trimSuffix $suffix $text | float64) ($factor | default 1.0) -}}
{{- end }}

{{- define "landmarks.validateTolerations" -}}
{{- $path := index . 0 -}}
{{- range index . 1 -}}
{{- if and (eq (toString .operator) "Exists") .value -}}
{{- fail (printf "%s has operator Exists with the value %s: Exists takes none, Equal does." $path .value) -}}
{{- end -}}
{{- if and (not .key) (ne (toString .operator) "Exists") -}}
{{- fail (printf "%s has an entry without a key: only operator Exists takes that (every taint)." $path) -}}
{{- end -}}
{{- if and (not (kindIs "invalid" .tolerationSeconds)) (ne (toString .effect) "NoExecute") -}}
{{- fail (printf "%s has tolerationSeconds, which counts with the effect NoExecute only." $path) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Labels and annotations by which KServe, and the chart's own objects, find the pods. */}}
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
{{- $decided := dict "min-scale" "min" "minScale" "min" "max-scale" "max" "maxScale" "max" "target" "target" -}}
{{- $durations := list "autoscaling.knative.dev/window" "autoscaling.knative.dev/scale-down-delay" "autoscaling.knative.dev/scale-to-zero-pod-retention-period" -}}
{{- range $path, $given := $annotations -}}
{{- range $key, $value := $given -}}
{{- if and (has $key $durations) (not (kindIs "invalid" $value)) (not (regexMatch "^([0-9.]+(ms|s|m|h))+$" (toString $value))) -}}
{{- fail (printf "%s has %s: %v, but Knative wants a unit: 90s." $path $key $value) -}}
{{- end -}}
{{- if hasKey $decided (trimPrefix "autoscaling.knative.dev/" $key) | and (hasPrefix "autoscaling.knative.dev/" $key) -}}
{{- fail (printf "%s has %s, which autoscaling.*.%s decides: set that." $path $key (get $decided (trimPrefix "autoscaling.knative.dev/" $key))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "landmarks.validateSecurity" -}}
{{- range $path := list "securityContext" "podSecurityContext" -}}
{{- $context := get $.Values $path | default dict -}}
{{- if and $context.runAsNonRoot (eq (toString $context.runAsUser) "0") -}}
{{- fail (printf "%s has runAsUser 0 with runAsNonRoot true: no container would start." $path) -}}
{{- end -}}
{{- end -}}
{{- range $path := list "securityContext" "podSecurityContext" -}}
{{- $seccomp := get (get $.Values $path | default dict) "seccompProfile" | default dict -}}
{{- if and (eq (toString $seccomp.type) "Localhost") (not $seccomp.localhostProfile) -}}
{{- fail (printf "%s.seccompProfile is of type Localhost: name the file in localhostProfile." $path) -}}
{{- end -}}
{{- end -}}
{{- $context := .Values.securityContext | default dict -}}
{{- if include "landmarks.knative" . -}}
{{- range $path, $given := dict "securityContext.privileged" $context.privileged "podSecurityContext.sysctls" (get (.Values.podSecurityContext | default dict) "sysctls") -}}
{{- if $given -}}
{{- fail (printf "%s is for plain Deployments (autoscaling.mode keda, hpa or none): Knative refuses it." $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $context.privileged (eq (toString $context.allowPrivilegeEscalation) "false") -}}
{{- fail "securityContext has privileged true with allowPrivilegeEscalation false, which Kubernetes refuses together." -}}
{{- end -}}
{{- end }}
