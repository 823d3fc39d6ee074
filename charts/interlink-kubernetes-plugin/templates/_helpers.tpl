{{/* Names and labels. */}}
{{- define "interlink-plugin.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "interlink-plugin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "interlink-plugin.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "interlink-plugin.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of an object of the plugin: interlink-plugin.named (list . "remote"). */}}
{{- define "interlink-plugin.named" -}}
{{- $suffix := index . 1 -}}
{{- printf "%s-%s" (include "interlink-plugin.fullname" (index . 0) | trunc (int (sub 62 (len $suffix))) | trimSuffix "-") $suffix -}}
{{- end -}}

{{- define "interlink-plugin.selectorLabels" -}}
app.kubernetes.io/name: {{ include "interlink-plugin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "interlink-plugin.labels" -}}
{{ include "interlink-plugin.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "interlink-plugin.serviceAccountName" -}}
{{- $default := ternary (include "interlink-plugin.fullname" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $default -}}
{{- end -}}

{{/* An image: interlink-plugin.image (list .Values.image "the default tag"). */}}
{{- define "interlink-plugin.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default (index . 1)) -}}
{{- end -}}
{{- end -}}

{{/* The Secret of the kubeconfig; empty if there is none. It fails unless exactly one source is set. */}}
{{- define "interlink-plugin.remoteSecret" -}}
{{- $remote := .Values.remote -}}
{{- $count := 0 -}}
{{- range list $remote.existingSecret $remote.kubeconfig $remote.inCluster (dig "k8s" "kubeconfig_path" "" .Values.config) -}}
{{- if . -}}{{- $count = add1 $count -}}{{- end -}}
{{- end -}}
{{- if ne (int $count) 1 -}}
{{- fail (printf "the credentials of the remote cluster: set exactly one of remote.existingSecret, remote.kubeconfig, remote.inCluster and config.k8s.kubeconfig_path; %d are set" (int $count)) -}}
{{- end -}}
{{- if $remote.existingSecret -}}
{{- $remote.existingSecret -}}
{{- else if $remote.kubeconfig -}}
{{- include "interlink-plugin.named" (list . "remote") -}}
{{- end -}}
{{- end -}}
