{{/* What the ConfigMap holds. */}}
{{- define "tcp-tunnel-gateway.files" -}}
run.sh: |
  {{- .Files.Get "files/run.sh" | trim | nindent 2 }}
sshd_config: |
  Port 2222
  HostKey /etc/tunnel/key/ssh-privatekey
  PidFile none
  LogLevel INFO

  # Only this user, and only by a key.
  AllowUsers {{ .Values.ssh.userName }}
  AuthorizedKeysFile /etc/tunnel/config/authorized_keys
  AuthenticationMethods publickey
  PubkeyAuthentication yes
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  UsePAM no
  # A volume's folders may be written to by its group.
  StrictModes no

  # Tunnels from here to the bastions, and nothing else.
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

  # A bastion that is gone must free its port, for the one that comes after it.
  ClientAliveInterval 15
  ClientAliveCountMax 3
  # After a restart all bastions come at once.
  LoginGraceTime 30
  MaxStartups 100:30:500
authorized_keys: |
  {{- include "tcp-tunnel-gateway.authorizedKeys" . | trim | nindent 2 }}
passwd: |
  {{- include "tcp-tunnel-gateway.passwd" . | nindent 2 }}
{{- end -}}
