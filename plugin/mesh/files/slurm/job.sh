#!/bin/sh
# A script for Slurm runs this job once the network is ready. The workload itself runs in other containers.
: >"$SLIRP_TMPDIR/mesh-ready"
while :; do
	sleep 3600
done
