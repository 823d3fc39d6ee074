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

{{/* As in the releases of the plugin's Python version: a Deployment's selector cannot change. */}}
{{- define "tcp-tunnel-bastion.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tcp-tunnel-bastion.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
interlink/role: {{ include "tcp-tunnel-bastion.name" . | quote }}
{{- end -}}

{{/* Labels of the chart win over commonLabels, and no key stands twice. */}}
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

{{/* The private key as ssh wants it: PEM with an end of line. An error never shows it. */}}
{{- define "tcp-tunnel-bastion.privateKey" -}}
{{- $key := required "tunnel.gateway.ssh.privateKey is needed: the private key to log in to the gateway with" .Values.tunnel.gateway.ssh.privateKey | trim -}}
{{- if not (hasPrefix "-----BEGIN" $key) -}}
{{- $key = nospace $key | b64dec | trim -}}
{{- end -}}
{{- if not (hasPrefix "-----BEGIN" $key) -}}
{{- fail "tunnel.gateway.ssh.privateKey is neither a private key in PEM nor the base64 of one" -}}
{{- end -}}
{{- print ($key | replace "\r" "") "\n" -}}
{{- end -}}

{{/* What the ConfigMap holds. */}}
{{- define "tcp-tunnel-bastion.files" -}}
{{- $gateway := .Values.tunnel.gateway -}}
{{- $service := .Values.tunnel.service -}}
{{- if hasKey $gateway "port" -}}
{{- fail "tunnel.gateway.port is not a value: the gateway's SSH port is tunnel.gateway.ssh.port" -}}
{{- end -}}
{{- $user := required "podSecurityContext.runAsUser is needed: the number of the user that ssh runs as" .Values.podSecurityContext.runAsUser | int64 -}}
{{- $group := .Values.podSecurityContext.runAsGroup | default $user | int64 -}}
run.sh: |
  {{- .Files.Get "files/run.sh" | trim | nindent 2 }}
ssh_config: |
  Host gateway
    HostName {{ required "tunnel.gateway.host is needed: the name or address of the gateway" $gateway.host }}
    Port {{ $gateway.ssh.port }}
    User {{ $gateway.ssh.userName }}
    IdentityFile /etc/tunnel/key/ssh-privatekey
    IdentitiesOnly yes
    PreferredAuthentications publickey
    BatchMode yes
    ConnectTimeout 10

    # The gateway's key counts under this name, whatever address it has.
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

    RemoteForward 0.0.0.0:{{ $service.gatewayPort }} [{{ required "tunnel.service.targetHost is needed: the host in this cluster that the tunnel leads to" $service.targetHost }}]:{{ $service.targetPort }}
    # Without its port a connection is of no use: it ends, and is tried anew.
    ExitOnForwardFailure yes
    ServerAliveInterval 15
    ServerAliveCountMax 3

    # The readiness probe asks at this socket whether the connection stands.
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
