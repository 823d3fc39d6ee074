{{/* Names and labels. */}}
{{- define "tcp-tunnel-bastion.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tcp-tunnel-bastion.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "tcp-tunnel-bastion.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tcp-tunnel-bastion.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The same as in the releases of the Python plugin, because the selector of a Deployment cannot change. */}}
{{- define "tcp-tunnel-bastion.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tcp-tunnel-bastion.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
interlink/role: {{ include "tcp-tunnel-bastion.name" . | quote }}
{{- end -}}

{{/* Labels of the chart have priority over commonLabels, and no key occurs twice. */}}
{{- define "tcp-tunnel-bastion.labels" -}}
{{- $labels := include "tcp-tunnel-bastion.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- toYaml (merge $labels .Values.commonLabels) -}}
{{- end -}}

{{- define "tcp-tunnel-bastion.image" -}}
{{- $separator := ternary "@" ":" (hasPrefix "sha256:" .Values.image.tag) -}}
{{- print .Values.image.repository $separator .Values.image.tag -}}
{{- end -}}

{{/* The private key for ssh: PEM with a newline at its end. Errors never show it. */}}
{{- define "tcp-tunnel-bastion.privateKey" -}}
{{- $key := required "tunnel.gateway.ssh.privateKey is required: the private key for the login on the gateway" .Values.tunnel.gateway.ssh.privateKey | trim -}}
{{- if not (hasPrefix "-----BEGIN" $key) -}}
{{- $key = nospace $key | b64dec | trim -}}
{{- end -}}
{{- if not (hasPrefix "-----BEGIN" $key) -}}
{{- fail "tunnel.gateway.ssh.privateKey is neither a private key in PEM nor the base64 of one" -}}
{{- end -}}
{{- print ($key | replace "\r" "") "\n" -}}
{{- end -}}

{{/* The content of the ConfigMap. */}}
{{- define "tcp-tunnel-bastion.files" -}}
{{- $gateway := .Values.tunnel.gateway -}}
{{- $service := .Values.tunnel.service -}}
{{- if hasKey $gateway "port" -}}
{{- fail "tunnel.gateway.port is not a value: the SSH port of the gateway is tunnel.gateway.ssh.port" -}}
{{- end -}}
{{- $user := required "podSecurityContext.runAsUser is required: the ID of the user that ssh runs as" .Values.podSecurityContext.runAsUser | int64 -}}
{{- $group := .Values.podSecurityContext.runAsGroup | default $user | int64 -}}
run.sh: |
  {{- .Files.Get "files/run.sh" | trim | nindent 2 }}
ssh_config: |
  Host gateway
    HostName {{ required "tunnel.gateway.host is required: the name or address of the gateway" $gateway.host }}
    Port {{ $gateway.ssh.port }}
    User {{ $gateway.ssh.userName }}
    IdentityFile /etc/tunnel/key/ssh-privatekey
    IdentitiesOnly yes
    PreferredAuthentications publickey
    BatchMode yes
    ConnectTimeout 10

    # The name for the gateway's key; it does not depend on the address.
    HostKeyAlias gateway
    GlobalKnownHostsFile /dev/null
    UpdateHostKeys no
    {{- if trim $gateway.ssh.hostKey }}
    UserKnownHostsFile /etc/tunnel/config/known_hosts
    StrictHostKeyChecking yes
    {{- else }}
    UserKnownHostsFile /tmp/known_hosts
    StrictHostKeyChecking accept-new
    {{- end }}

    RemoteForward 0.0.0.0:{{ $service.gatewayPort }} [{{ required "tunnel.service.targetHost is required: the host in this cluster to which the tunnel forwards" $service.targetHost }}]:{{ $service.targetPort }}
    # Without this port the connection is useless: ssh ends, and run.sh starts it again.
    ExitOnForwardFailure yes
    ServerAliveInterval 15
    ServerAliveCountMax 3

    # The readiness probe uses this socket to check the connection.
    ControlMaster auto
    ControlPath /tmp/control
    ControlPersist no
{{- if trim $gateway.ssh.hostKey }}
known_hosts: |
  {{- range splitList "\n" (trim $gateway.ssh.hostKey) }}
  {{- with trim . }}
  gateway {{ . }}
  {{- end }}
  {{- end }}
{{- end }}
passwd: |
  root:x:0:0:root:/root:/bin/sh
  tunnel:x:{{ $user }}:{{ $group }}:tunnel:/tmp:/bin/false
{{- end -}}
