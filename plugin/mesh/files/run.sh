#!/bin/sh
# Runs its arguments: a program that sets up a network and keeps it up. Reports why the network is not ready.
#
# Files in $TMPDIR outlive this run of the container:
#   mesh-ready   the network is ready in this run (the program creates it)
#   mesh-was-up  the network was ready at least once: after a later failure, another run makes sense
#   mesh-failed  the network never became ready, and never will: no other container may run as if it were ready
set -u

folder=$(dirname "$0")
ready=$TMPDIR/mesh-ready
timeout=${MESH_STARTUP_TIMEOUT:-} # in seconds; empty: the program does not report when the network is ready
finished=${MESH_FINISHED_FILE:-}  # not empty after the pod's own containers have terminated
limit=
[ -z "$timeout" ] || limit=$(($(date +%s) + timeout))

# The pod terminates. This shell is process 1 of its container, so all other processes end with it.
trap 'exit 0' TERM INT

fail() { # fail MESSAGE...
	echo "mesh-setup: $*"
	[ -n "$timeout" ] && [ ! -e "$TMPDIR/mesh-was-up" ] || exit 1
	: >"$TMPDIR/mesh-failed"
	exit 97
}

# watch PROCESS STATE: waits until the process ends, and returns its exit code. Exits when the pod's containers have
# terminated, and when the network is not ready in time: STATE is what the process still does then.
watch() {
	while kill -0 "$1" 2>/dev/null; do
		if [ -n "$finished" ] && [ -s "$finished" ]; then
			echo "mesh-setup: the pod's containers have terminated"
			exit 0
		fi
		if [ -e "$ready" ]; then
			[ -e "$TMPDIR/mesh-was-up" ] || : >"$TMPDIR/mesh-was-up"
			[ -n "$finished" ] || break
		elif [ -z "$limit" ]; then
			break
		elif [ "$(date +%s)" -ge "$limit" ]; then
			fail "the network is not ready after $timeout s: $2"
		fi
		sleep 1 &
		wait $!
	done
	wait "$1"
}

rm -f "$ready"
if [ -e "$TMPDIR/mesh-failed" ]; then
	echo "mesh-setup: the network failed to start in an earlier run (see the log of that run); waiting for the pod to terminate"
	while :; do
		sleep 60 &
		wait $!
	done
fi

attempts=3 # a package mirror may be unavailable for a moment
while [ -e "$folder/install.sh" ]; do
	sh -e "$folder/install.sh" &
	watch $! "the installation of packages is still running" && break
	code=$?
	attempts=$((attempts - 1))
	[ "$attempts" -gt 0 ] || fail "the installation of packages failed with exit code $code"
	echo "mesh-setup: the installation of packages failed with exit code $code, retrying"
	sleep 2 &
	wait $!
done

[ -z "${MESH_PROGRAMS:-}" ] || PATH=$MESH_PROGRAMS:$PATH
# The script should stop a little earlier than this one: its error message says more.
if [ -n "$limit" ]; then
	left=$((limit - $(date +%s) - 5))
	[ "$left" -ge 1 ] || left=1
	MESH_TIMEOUT=${MESH_TIMEOUT:-$left}
	export MESH_TIMEOUT
fi
"$@" &
watch $! "the script is still running"
code=$?
[ -z "$timeout" ] || [ -e "$ready" ] || fail "the script ended with exit code $code before the network was ready"
echo "mesh-setup: the script ended with exit code $code"
[ "$code" -ne 97 ] || code=1
exit "$code"
