#!/bin/sh
# Runs the SSH server; sshd_config beside this file says what it does.
config=$(dirname "$0")/sshd_config

# Its full path, because sshd starts itself anew for every connection. Alpine calls the build with PAM sshd.pam.
for sshd in "$(command -v sshd)" /usr/sbin/sshd "$(command -v sshd.pam)" /usr/sbin/sshd.pam; do
    if [ -x "$sshd" ]; then break; fi
done
if [ ! -x "$sshd" ]; then
    echo "this image has no sshd" >&2
    exit 127
fi

# Bastions and the kubelet's probes may all come from a node's address: who fails there must not shut out the
# others. Before 9.8 OpenSSH had no such penalties, and refuses the option.
set -- -o PerSourcePenalties=no
if ! "$sshd" -t -f "$config" "$@" 2>/dev/null; then
    set --
fi
exec "$sshd" -D -e -f "$config" "$@"
