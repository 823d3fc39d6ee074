{{/* Names and labels. */}}
{{- define "tcp-tunnel-gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tcp-tunnel-gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "tcp-tunnel-gateway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tcp-tunnel-gateway.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of an object of the gateway: tcp-tunnel-gateway.named (list . "host-key"). */}}
{{- define "tcp-tunnel-gateway.named" -}}
{{- $suffix := index . 1 -}}
{{- printf "%s-%s" (include "tcp-tunnel-gateway.fullname" (index . 0) | trunc (int (sub 62 (len $suffix))) | trimSuffix "-") $suffix -}}
{{- end -}}

{{/* The same as in the releases of the Python plugin, because the selector of a Deployment cannot change. */}}
{{- define "tcp-tunnel-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tcp-tunnel-gateway.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
interlink/role: {{ include "tcp-tunnel-gateway.name" . | quote }}
{{- end -}}

{{/* Labels of the chart have priority over commonLabels, and no key occurs twice. */}}
{{- define "tcp-tunnel-gateway.labels" -}}
{{- $labels := include "tcp-tunnel-gateway.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- toYaml (merge $labels .Values.commonLabels) -}}
{{- end -}}

{{- define "tcp-tunnel-gateway.image" -}}
{{- $separator := ternary "@" ":" (hasPrefix "sha256:" .Values.image.tag) -}}
{{- print .Values.image.repository $separator .Values.image.tag -}}
{{- end -}}

{{/* The files of the ConfigMap that depend on the values. */}}
{{- define "tcp-tunnel-gateway.authorizedKeys" -}}
{{- $keys := required "ssh.publicKey is required: the public key of the bastions" (trim .Values.ssh.publicKey) -}}
{{- range splitList "\n" $keys -}}
{{- with trim . }}
restrict,port-forwarding {{ . }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tcp-tunnel-gateway.passwd" -}}
{{- $user := required "podSecurityContext.runAsUser is required: the ID of the user that sshd runs as and that bastions log in as" .Values.podSecurityContext.runAsUser | int64 -}}
{{- $group := .Values.podSecurityContext.runAsGroup | default $user | int64 -}}
root:x:0:0:root:/root:/bin/sh
{{ .Values.ssh.userName }}:x:{{ $user }}:{{ $group }}:tunnels:/tmp:/bin/false
{{- end -}}

{{/* The Secret of the host key. */}}
{{- define "tcp-tunnel-gateway.hostKeySecret" -}}
{{- if and .Values.ssh.existingSecret .Values.ssh.hostKey -}}
{{- fail "ssh.hostKey and ssh.existingSecret are both set; set one of them" -}}
{{- end -}}
{{- .Values.ssh.existingSecret | default (include "tcp-tunnel-gateway.named" (list . "host-key")) -}}
{{- end -}}

{{/* ECDSA, because only OpenSSH 9.6 and later reads Ed25519 keys in the format of genPrivateKey. */}}
{{- define "tcp-tunnel-gateway.hostKey" -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "tcp-tunnel-gateway.hostKeySecret" .) | default dict -}}
{{- if .Values.ssh.hostKey -}}
{{- $key := .Values.ssh.hostKey | replace "\r" "" | trim -}}
{{- if not (hasPrefix "-----BEGIN" $key) -}}
{{- fail "ssh.hostKey is not a private key in PEM" -}}
{{- end -}}
{{- print $key "\n" | b64enc -}}
{{- else -}}
{{- dig "data" "ssh-privatekey" "" $secret | default (genPrivateKey "ecdsa" | b64enc) -}}
{{- end -}}
{{- end -}}
