#!/bin/sh
# Runs its arguments, which set a network up and keep it, and says in words why the network is not there.
#
# What it knows of earlier runs of this container is in $TMPDIR, which outlives them:
#   mesh-ready   made by the script: the network is up (of this run)
#   mesh-was-up  the network was up once: from then on a failure is worth another run
#   mesh-failed  it never was, and never will be: nothing else may start, or go on as if it were
set -u

folder=$(dirname "$0")
ready=$TMPDIR/mesh-ready
timeout=${MESH_STARTUP_TIMEOUT:-} # seconds; empty: nobody says when the network is up
finished=${MESH_FINISHED_FILE:-}  # has a word in it when the pod's own containers have ended
limit=
[ -z "$timeout" ] || limit=$(($(date +%s) + timeout))

# The pod ends. What was started here ends with this process, the first of its container.
trap 'exit 0' TERM INT

fail() { # fail WORDS...
	echo "mesh-setup: $*"
	[ -n "$timeout" ] && [ ! -e "$TMPDIR/mesh-was-up" ] || exit 1
	: >"$TMPDIR/mesh-failed"
	exit 97
}

# watch PROCESS WHAT: returns when it has ended, and ends with the pod or when time is up.
watch() {
	while kill -0 "$1" 2>/dev/null; do
		if [ -n "$finished" ] && [ -s "$finished" ]; then
			echo "mesh-setup: the pod's containers have ended"
			exit 0
		fi
		if [ -e "$ready" ]; then
			[ -e "$TMPDIR/mesh-was-up" ] || : >"$TMPDIR/mesh-was-up"
			[ -n "$finished" ] || break
		elif [ -z "$limit" ]; then
			break
		elif [ "$(date +%s)" -ge "$limit" ]; then
			fail "$2 for $timeout s, and the network is not up"
		fi
		sleep 1 &
		wait $!
	done
	wait "$1"
}

rm -f "$ready"
if [ -e "$TMPDIR/mesh-failed" ]; then
	echo "mesh-setup: the network did not come up, as the log of the run before tells; waiting for the pod's end"
	while :; do
		sleep 60 &
		wait $!
	done
fi

tries=3 # a mirror may be away for a moment
while [ -e "$folder/install.sh" ]; do
	sh -e "$folder/install.sh" &
	watch $! "packages were being installed" && break
	code=$?
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || fail "packages could not be installed (exit code $code)"
	echo "mesh-setup: packages could not be installed (exit code $code), trying again"
	sleep 2 &
	wait $!
done

[ -z "${MESH_PROGRAMS:-}" ] || PATH=$MESH_PROGRAMS:$PATH
# The script should give up by itself before its time is up here: its words are better.
if [ -n "$limit" ]; then
	left=$((limit - $(date +%s) - 5))
	[ "$left" -ge 1 ] || left=1
	MESH_TIMEOUT=${MESH_TIMEOUT:-$left}
	export MESH_TIMEOUT
fi
"$@" &
watch $! "the script has been running"
code=$?
[ -z "$timeout" ] || [ -e "$ready" ] || fail "the script ended with exit code $code before the network was up"
echo "mesh-setup: the script ended with exit code $code"
[ "$code" -ne 97 ] || code=1
exit "$code"
