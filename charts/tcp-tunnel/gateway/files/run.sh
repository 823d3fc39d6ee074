#!/bin/sh
# Runs the SSH server with sshd_config of the same folder.
config=$(dirname "$0")/sshd_config

# The full path is needed, because sshd starts itself again for each connection. In Alpine, the build with PAM is sshd.pam.
for sshd in "$(command -v sshd)" /usr/sbin/sshd "$(command -v sshd.pam)" /usr/sbin/sshd.pam; do
    if [ -x "$sshd" ]; then break; fi
done
if [ ! -x "$sshd" ]; then
    echo "this image contains no sshd" >&2
    exit 127
fi

# Bastions and the probes of the kubelet may all connect from the address of a node: a client that fails must not
# block the others. OpenSSH before 9.8 has no such penalties and rejects the option.
set -- -o PerSourcePenalties=no
if ! "$sshd" -t -f "$config" "$@" 2>/dev/null; then
    set --
fi
exec "$sshd" -D -e -f "$config" "$@"
