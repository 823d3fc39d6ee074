#!/bin/sh
# Keeps a tunnel open. Runs wstunnel with the arguments in the file $MESH_VALUES/arguments, one argument a line. If the
# image does not have wstunnel, downloads it from the URL in $MESH_VALUES/url-wstunnel.
set -eu
set -f # an argument is never the name of a file
umask 077

: "${TMPDIR:?}" "${MESH_VALUES:?}"
MESH_TIMEOUT=${MESH_TIMEOUT:-100} # seconds that a download may take
cd "$TMPDIR"
PATH=$PATH:$TMPDIR

fail() { # fail MESSAGE...
	echo "tunnel: $*" >&2
	exit 1
}

start() { # start NAME COMMAND...
	shift
	"$@" &
}

# include download.sh

download wstunnel "$(cat "$MESH_VALUES/url-wstunnel")"

set --
while IFS= read -r argument; do
	set -- "$@" "$argument"
done <"$MESH_VALUES/arguments"
exec wstunnel client "$@"
