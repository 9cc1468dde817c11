{{- define "ciobridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ciobridge.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "ciobridge.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ciobridge.selector" -}}
app.kubernetes.io/name: {{ include "ciobridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ciobridge.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "ciobridge.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "ciobridge.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "ciobridge.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "ciobridge.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Where rule files are found, relative to ciobridge.yaml. */}}
{{- define "ciobridge.rulesFrom" -}}
{{- $from := list -}}
{{- range $suffix := list ".yaml" ".yml" ".jq" -}}
{{- $found := false -}}
{{- range $name, $_ := $.Values.rules -}}
{{- if hasSuffix $suffix $name -}}{{- $found = true -}}{{- end -}}
{{- end -}}
{{- if $found -}}{{- $from = append $from (printf "../rules/*%s" $suffix) -}}{{- end -}}
{{- end -}}
{{- range $i, $_ := .Values.existingRules -}}
{{- $from = append $from (printf "../rules-%d/*.yaml" $i) -}}
{{- end -}}
{{- toYaml $from -}}
{{- end -}}

{{/* The configuration: what the chart knows, and over it what the values say. */}}
{{- define "ciobridge.config" -}}
{{- $files := dict -}}
{{- range $field, $key := dict "site_id_file" .Values.customerio.siteIdKey "api_key_file" .Values.customerio.apiKeyKey "app_key_file" .Values.customerio.appKeyKey "write_key_file" .Values.customerio.writeKeyKey -}}
{{- $env := printf "%s_env" (trimSuffix "_file" $field) -}}
{{- if and $key (not (hasKey ($.Values.config.customerio | default dict) $env)) -}}
{{- $_ := set $files $field (printf "/run/secrets/customerio/%s" $key) -}}
{{- end -}}
{{- end -}}
{{- $known := dict "admin" (dict "listen" (printf ":%v" (int .Values.service.port))) "customerio" $files -}}
{{- with include "ciobridge.rulesFrom" . | fromYamlArray -}}
{{- $_ := set $known "rules_from" . -}}
{{- end -}}
{{- toYaml (mergeOverwrite $known (deepCopy .Values.config)) -}}
{{- end -}}

{{/* The rule files: a text stays as it is to the last byte, whatever is in it. */}}
{{- define "ciobridge.rules" -}}
{{- $files := dict -}}
{{- range $name, $rules := .Values.rules -}}
{{- $_ := set $files $name (kindIs "string" $rules | ternary $rules (toYaml $rules)) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{- define "ciobridge.several" -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.maxReplicas) 1 -}}yes{{- end -}}
{{- else if gt (int .Values.replicas) 1 -}}yes{{- end -}}
{{- end -}}
