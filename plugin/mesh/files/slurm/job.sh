#!/bin/sh
# The job that a script for Slurm runs once the network is up: here the workload has containers of its own.
: >"$SLIRP_TMPDIR/mesh-ready"
while :; do
	sleep 3600
done
