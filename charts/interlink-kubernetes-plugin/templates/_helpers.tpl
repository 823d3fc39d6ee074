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

{{/* The metadata of an object: interlink-plugin.metadata (list . "name" labels annotations). Labels of the chart win. */}}
{{- define "interlink-plugin.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
{{ include "interlink-plugin.labelsAndAnnotations" (list $root (index . 2) (index . 3)) }}
{{- end -}}

{{/* Labels and annotations of an object, with those of all objects. */}}
{{- define "interlink-plugin.labelsAndAnnotations" -}}
{{- $root := index . 0 -}}
labels:
  {{- toYaml (merge (include "interlink-plugin.labels" $root | fromYaml) (index . 1 | default dict) $root.Values.commonLabels) | nindent 2 }}
{{- with merge (dict) (index . 2 | default dict) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
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

{{- define "interlink-plugin.metricsPort" -}}
- name: metrics
  port: {{ .Values.admin.port }}
  targetPort: {{ .Values.admin.port }}
  protocol: TCP
{{- end -}}

{{/* The IP families of a Service. */}}
{{- define "interlink-plugin.serviceFamilies" -}}
{{- with .Values.service.ipFamilyPolicy -}}
ipFamilyPolicy: {{ . }}
{{ end -}}
{{- with .Values.service.ipFamilies -}}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* The namespace of the Lease with which one replica at a time searches for orphans. */}}
{{- define "interlink-plugin.leaseNamespace" -}}
{{- (.Values.config.app | default dict).lease_namespace | default .Release.Namespace -}}
{{- end -}}

{{/* A role and its binding: interlink-plugin.role (list . "ClusterRole" "name" "namespace" "rules"). The names of cluster
     roles have the namespace of the release in them. */}}
{{- define "interlink-plugin.role" -}}
{{- $root := index . 0 -}}
{{- $wide := eq (index . 1) "ClusterRole" -}}
{{- $name := ternary (printf "%s:%s" $root.Release.Namespace (index . 2)) (index . 2) $wide -}}
{{- range $kind := list (index . 1) (printf "%sBinding" (index . 1)) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $name }}
  {{- if not $wide }}
  namespace: {{ index $ 3 }}
  {{- end }}
  {{- include "interlink-plugin.labelsAndAnnotations" (list $root dict dict) | nindent 2 }}
{{- if hasSuffix "Binding" $kind }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ index $ 1 }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "interlink-plugin.serviceAccountName" $root }}
    namespace: {{ $root.Release.Namespace }}
{{- else }}
rules:
  {{- $root.Files.Get (printf "rbac/%s.yaml" (index $ 4)) | trim | nindent 2 }}
{{- end }}
{{- end }}
{{ end -}}
