{{/* The content of the ConfigMap. */}}
{{- define "tcp-tunnel-gateway.files" -}}
run.sh: |
  {{- .Files.Get "files/run.sh" | trim | nindent 2 }}
sshd_config: |
  Port 2222
  HostKey /etc/tunnel/key/ssh-privatekey
  PidFile none
  LogLevel INFO

  # Only this user can log in, and only with a key.
  AllowUsers {{ .Values.ssh.userName }}
  AuthorizedKeysFile /etc/tunnel/config/authorized_keys
  AuthenticationMethods publickey
  PubkeyAuthentication yes
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  UsePAM no
  # The folders of a volume are writable by its group, which StrictModes rejects.
  StrictModes no

  # Allow only tunnels from this pod to the bastions.
  AllowTcpForwarding remote
  GatewayPorts clientspecified
  PermitListen any
  PermitOpen none
  AllowAgentForwarding no
  AllowStreamLocalForwarding no
  PermitTunnel no
  X11Forwarding no
  MaxSessions 0
  PermitTTY no
  PermitUserRC no
  ForceCommand /bin/false

  # When a bastion is lost, its port must become free for its successor.
  ClientAliveInterval 15
  ClientAliveCountMax 3
  # After a restart, all bastions connect at the same time.
  LoginGraceTime 30
  MaxStartups 100:30:500
authorized_keys: |
  {{- include "tcp-tunnel-gateway.authorizedKeys" . | trim | nindent 2 }}
passwd: |
  {{- include "tcp-tunnel-gateway.passwd" . | nindent 2 }}
{{- end -}}
