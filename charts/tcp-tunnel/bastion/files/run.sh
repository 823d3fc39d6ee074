#!/bin/sh
# Keeps the tunnel open: runs ssh, and runs it again when it ends; ssh_config beside this file says what it does.
config=$(dirname "$0")/ssh_config
shortest=1
longest=60

# A shell hears of a signal only while it waits, so what takes time runs in the background.
trap 'kill "$!" 2>/dev/null; exit 0' TERM INT

pause=$shortest
while true; do
    start=$(date +%s)
    ssh -N -F "$config" gateway &
    wait "$!"
    status=$?
    lasted=$(($(date +%s) - start))
    # It did stand: what failed now is something new.
    if [ "$lasted" -gt 60 ]; then
        pause=$shortest
    fi
    echo "ssh ended with status $status after $lasted s, the next try is in $pause s" >&2
    sleep "$pause" &
    wait "$!"
    pause=$((pause * 2))
    if [ "$pause" -gt "$longest" ]; then
        pause=$longest
    fi
done
