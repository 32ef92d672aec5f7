{{/* The name that everything of this release begins with. Old scripts know it as token-rate-limiter. */}}
{{- define "trl.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 47 | trimSuffix "-" -}}
{{- else if contains "token-rate-limiter" .Release.Name -}}
{{- .Release.Name | trunc 47 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-token-rate-limiter" .Release.Name | trunc 47 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of a component: (list $ "gateway"). They never change. */}}
{{- define "trl.selector" -}}
{{- $ := index . 0 -}}
{{- $names := dict "redis" "redis" "model-server" "vllm" "prometheus" "prometheus" "grafana" "grafana" "test" "token-rate-limiter-test" -}}
app.kubernetes.io/name: {{ get $names (index . 1) | default "token-rate-limiter" }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/*
Labels of a component's pods: (list $ "redis" "redis"); the last is the label app, which old scripts select by. They do
not change with the chart's version: an upgrade would start Redis and model servers anew for nothing.
*/}}
{{- define "trl.podLabels" -}}
{{- $ := index . 0 -}}
app: {{ index . 2 }}
{{ include "trl.selector" . }}
app.kubernetes.io/part-of: token-rate-limiter
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of all other objects of a component. */}}
{{- define "trl.labels" -}}
{{- $ := index . 0 -}}
{{ include "trl.podLabels" . }}
app.kubernetes.io/managed-by: {{ $.Values.managedBy | default $.Release.Service }}
{{- if not $.Values.managedBy }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end }}
{{- end -}}

{{/* Of a volume, which is to outlive the release, and a model that is taken away and comes back. */}}
{{- define "trl.keep" -}}
{{- if not .Values.managedBy -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end -}}

{{- define "trl.image" -}}
{{- $i := . -}}
{{- if $i.registry }}{{ $i.registry }}/{{ end }}{{ $i.repository }}
{{- if $i.digest }}@{{ $i.digest }}{{ else }}:{{ $i.tag }}{{ end -}}
{{- end -}}

{{- define "trl.gatewayImage" -}}
{{- $i := deepCopy .Values.image -}}
{{- if not $i.tag }}{{ $_ := set $i "tag" .Chart.AppVersion }}{{ end -}}
{{- include "trl.image" $i -}}
{{- end -}}

{{- define "trl.secretName" -}}
{{- .Values.secret.existingSecret | default (include "trl.fullname" .) -}}
{{- end -}}

{{- define "trl.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "trl.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "trl.redisName" -}}
{{- .Values.redis.fullnameOverride | default (printf "%s-redis" (include "trl.fullname" .)) -}}
{{- end -}}

{{/* What the restricted level of Pod Security asks of every container. */}}
{{- define "trl.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A model's name as part of an object's name. */}}
{{- define "trl.modelSlug" -}}
{{- lower . | replace "." "-" | replace "/" "-" | replace "_" "-" | replace ":" "-" | trunc 40 | trimAll "-" -}}
{{- end -}}

{{/* A model's entry: (list $ "llama2-7b"). */}}
{{- define "trl.model" -}}
{{- $ := index . 0 -}}
{{- get $.Values.models (index . 1) | default (dict "mock" true) | toYaml -}}
{{- end -}}

{{/* The names of the models to deploy, as a YAML list. A gateway without any model does not start. */}}
{{- define "trl.modelNames" -}}
{{- $names := list -}}
{{- range $name, $m := .Values.models -}}
{{- if and $m (ne (toString $m.enabled) "false") }}{{ $names = append $names $name }}{{ end -}}
{{- end -}}
{{- if not (or $names (dig "vllm" "services" dict .Values.config)) }}{{ $names = list "mock" }}{{ end -}}
{{- sortAlpha $names | toYaml -}}
{{- end -}}

{{/* Whole seconds of a duration such as 1m30s or 500ms, rounded up. */}}
{{- define "trl.seconds" -}}
{{- $ms := 0.0 -}}
{{- $unit := dict "h" 3600000.0 "m" 60000.0 "s" 1000.0 "ms" 1.0 -}}
{{- if not (regexMatch "^([0-9]+(\\.[0-9]+)?(h|ms|m|s))+$" (toString .)) -}}
{{- fail (printf "config.server: %q is no duration such as 30s or 5m, from which terminationGracePeriodSeconds could be derived" (toString .)) -}}
{{- end -}}
{{- range regexFindAll "[0-9]+(\\.[0-9]+)?(h|ms|m|s)" (toString .) -1 -}}
{{- $u := regexFind "[a-z]+" . -}}
{{- $ms = addf $ms (mulf (float64 (trimSuffix $u .)) (get $unit $u)) -}}
{{- end -}}
{{- ceil (divf $ms 1000.0) | int -}}
{{- end -}}

{{/* What the values say of the configuration: config, and over it the profile's. */}}
{{- define "trl.said" -}}
{{- $said := deepCopy .Values.config -}}
{{- if .Values.profile }}{{ $said = mergeOverwrite $said (deepCopy .Values.profileConfig) }}{{ end -}}
{{- toYaml $said -}}
{{- end -}}

{{/* Until when Kubernetes leaves a draining gateway alone: both phases of its drain, and time to settle. */}}
{{- define "trl.gracePeriod" -}}
{{- $s := (include "trl.said" . | fromYaml).server -}}
{{- add (include "trl.seconds" (index $s "drain-delay")) (include "trl.seconds" (index $s "drain-timeout")) 10 -}}
{{- end -}}

{{/* Whether several replicas may run: they need accounts that they share. */}}
{{- define "trl.sharesAccounts" -}}
{{- $said := include "trl.said" . | fromYaml -}}
{{- $store := dig "token" "rate-limit" "store" "auto" $said -}}
{{- if eq $store "memory" -}}
{{- else if or .Values.redis.enabled .Values.externalRedis.host $said.redis (dig "spring" "data" "redis" "" $said) -}}
true
{{- end -}}
{{- end -}}

{{- define "trl.check" -}}
{{- $said := include "trl.said" . | fromYaml -}}
{{- range $section, $key := dict "server" "address" "management" "address" -}}
{{- if dig $key "" (get $said $section | default dict) -}}
{{- fail (printf "config.%s.%s is the chart's: it listens on 8080 for clients and on 9090 for probes; service.port is what clients use" $section $key) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.profileConfig (not .Values.profile) -}}
{{- fail "profileConfig is laid over config only where profile names it, and profile is empty" -}}
{{- end -}}
{{- if and .Values.secret.data .Values.secret.existingSecret -}}
{{- fail "secret.data is for the Secret that the chart makes, and secret.existingSecret names another one: put the keys there" -}}
{{- end -}}
{{- if and .Values.redis.enabled .Values.externalRedis.host -}}
{{- fail "redis.enabled and externalRedis.host are both set: set redis.enabled=false to use the external one" -}}
{{- end -}}
{{- if and (or .Values.externalRedis.tls.caSecret .Values.externalRedis.tls.serverName) (not .Values.externalRedis.tls.enabled) -}}
{{- fail "externalRedis.tls says whom to trust, and the connection would not be encrypted: set externalRedis.tls.enabled=true" -}}
{{- end -}}
{{- if and .Values.controlDatabase.caSecret (not .Values.controlDatabase.enabled) -}}
{{- fail "controlDatabase.caSecret says whom to trust, and no database would be asked: set controlDatabase.enabled=true" -}}
{{- end -}}
{{- if and .Values.controlDatabase.enabled (not .Values.secret.existingSecret) (not .Values.secret.data.DATABASE_URL) -}}
{{- fail "controlDatabase.enabled needs the address of PostgreSQL: set secret.data.DATABASE_URL, or name a Secret that has it in secret.existingSecret" -}}
{{- end -}}
{{- if and .Values.controlDatabase.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.controlDatabaseTo) -}}
{{- fail "networkPolicy.controlDatabaseTo: the address of the control database is a secret, which no policy can be made of: say where it is, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}}] or [{ipBlock: {cidr: 10.0.0.0/8}}]" -}}
{{- end -}}
{{- $slugs := dict -}}
{{- range $name := include "trl.modelNames" . | fromYamlArray -}}
{{- $slug := include "trl.modelSlug" $name -}}
{{- with get $slugs $slug -}}
{{- fail (printf "models %q and %q would both be the Deployment and the Service %q: give one of them another name" . $name $slug) -}}
{{- end -}}
{{- $_ := set $slugs $slug $name -}}
{{- end -}}
{{- if not (include "trl.sharesAccounts" .) -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) -}}
{{- fail "the memory store belongs to one process, and several replicas would each admit the whole limit: set replicaCount=1 and autoscaling.enabled=false, or redis.enabled=true, or externalRedis.host" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* application.yml: what the chart knows, and over it what config says. */}}
{{- define "trl.config" -}}
{{- include "trl.check" . -}}
{{- $made := dict "server" (dict "address" ":8080") "management" (dict "address" ":9090") -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $made.server "tls" (dict "certificate" "/etc/token-rate-limiter-tls/tls.crt" "key" "/etc/token-rate-limiter-tls/tls.key") -}}
{{- end -}}
{{- if .Values.redis.enabled -}}
{{- $_ := set $made "redis" (dict "host" (include "trl.redisName" .) "port" 6379 "password" "${REDIS_PASSWORD:}") -}}
{{- else if .Values.externalRedis.host -}}
{{- $e := .Values.externalRedis -}}
{{- $redis := dict "host" $e.host "port" $e.port "database" $e.database "username" $e.username "password" "${REDIS_PASSWORD:}" -}}
{{- if $e.tls.enabled -}}
{{- $tls := dict "enabled" true -}}
{{- if $e.tls.caSecret }}{{ $_ := set $tls "ca-file" "/etc/token-rate-limiter-redis/ca.crt" }}{{ end -}}
{{- if $e.tls.serverName }}{{ $_ := set $tls "server-name" $e.tls.serverName }}{{ end -}}
{{- $_ := set $redis "tls" $tls -}}
{{- end -}}
{{- $_ := set $made "redis" $redis -}}
{{- end -}}
{{- if .Values.controlDatabase.enabled -}}
{{- $_ := set $made "database" (dict "url" "${DATABASE_URL}" "password" "${DATABASE_PASSWORD:}") -}}
{{- $_ := set $made.server "data-directory" "/var/lib/token-rate-limiter" -}}
{{- end -}}
{{- $limits := dict -}}
{{- $services := dict -}}
{{- range include "trl.modelNames" . | fromYamlArray -}}
{{- $m := include "trl.model" (list $ .) | fromYaml -}}
{{- if $m.limits }}{{ $_ := set $limits . $m.limits }}{{ end -}}
{{- $_ := set $services . (dict "endpoints" (list (printf "http://vllm-%s-service:8000" (include "trl.modelSlug" .)))) -}}
{{- end -}}
{{- $_ := set $made "token" (dict "rate-limit" (dict "models" $limits)) -}}
{{- $_ := set $made "vllm" (dict "services" $services) -}}
{{- mergeOverwrite $made (deepCopy .Values.config) | toYaml -}}
{{- end -}}

{{/* Of the configuration, what a running gateway does not take up: its change needs new pods. */}}
{{- define "trl.startConfig" -}}
{{- $c := include "trl.config" . | fromYaml -}}
{{- if .Values.profile }}{{ $c = mergeOverwrite $c (deepCopy .Values.profileConfig) }}{{ end -}}
{{- $limit := dig "token" "rate-limit" dict $c -}}
{{- $start := dict "server" $c.server "management" $c.management "redis" $c.redis "spring" $c.spring -}}
{{- $_ := set $start "database" $c.database -}}
{{- $_ := set $start "store" (list (get $limit "store") (get $limit "max-accounts")) -}}
{{- $_ := set $start "logging" (omit ($c.logging | default dict) "level") -}}
{{- toYaml $start -}}
{{- end -}}

{{/* Where pods with this name service are found. */}}
{{- define "trl.dnsEgress" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{/*
Whom a policy lets through: (list PEERS HOST "key of the peers" "key of the host"). Without peers that is the host, where it
is an address. Policies know no names, and no peers at all would be everybody.
*/}}
{{- define "trl.peers" -}}
{{- $host := index . 1 | trimPrefix "[" | trimSuffix "]" -}}
{{- if index . 0 -}}
{{- toYaml (index . 0) -}}
{{- else if regexMatch "^([0-9]{1,3}\\.){3}[0-9]{1,3}$" $host -}}
- ipBlock: {cidr: {{ $host }}/32}
{{- else if regexMatch "^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$" $host -}}
- ipBlock: {cidr: "{{ $host }}/128"}
{{- else -}}
{{- fail (printf "%s: %s is %q, and network policies know no names: say where that is, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}}] or [{ipBlock: {cidr: 10.0.0.0/8}}]; [{ipBlock: {cidr: 0.0.0.0/0}}] is anywhere" (index . 2) (index . 3) $host) -}}
{{- end -}}
{{- end -}}

{{/* The port of tracing.endpoint, which http and https have by themselves too. */}}
{{- define "trl.collectorPort" -}}
{{- $u := urlParse .Values.tracing.endpoint -}}
{{- regexFind ":[0-9]+$" $u.host | trimPrefix ":" | default (ternary "443" "80" (eq $u.scheme "https")) -}}
{{- end -}}
