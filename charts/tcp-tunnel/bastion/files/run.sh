#!/bin/sh
# Keeps the tunnel open: runs ssh with ssh_config of the same folder, and runs it again when it ends.
config=$(dirname "$0")/ssh_config
shortest=1
longest=60

# A shell handles a signal only while it waits, so long commands run in the background.
trap 'kill "$!" 2>/dev/null; exit 0' TERM INT

pause=$shortest
while true; do
    start=$(date +%s)
    ssh -N -F "$config" gateway &
    wait "$!"
    status=$?
    lasted=$(($(date +%s) - start))
    # The connection worked, so this is a new failure.
    if [ "$lasted" -gt 60 ]; then
        pause=$shortest
    fi
    echo "ssh ended with status $status after $lasted s; next attempt in $pause s" >&2
    sleep "$pause" &
    wait "$!"
    pause=$((pause * 2))
    if [ "$pause" -gt "$longest" ]; then
        pause=$longest
    fi
done
