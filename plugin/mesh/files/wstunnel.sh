#!/bin/sh
# Keeps a tunnel open. Runs wstunnel with the arguments in the file $MESH_VALUES/arguments, one argument a line. If the
# image does not have wstunnel, downloads it from the URL in $MESH_VALUES/url-wstunnel.
set -eu
set -f # an argument is never the name of a file
umask 077

: "${TMPDIR:?}" "${MESH_VALUES:?}"
cd "$TMPDIR"
PATH=$PATH:$TMPDIR

fail() { # fail MESSAGE...
	echo "tunnel: $*" >&2
	exit 1
}

unpack() { # unpack URL
	case $1 in
	*.tar.gz | *.tgz) tar -xzof wstunnel.new wstunnel && rm -f wstunnel.new ;;
	*) mv wstunnel.new wstunnel ;;
	esac && chmod 755 wstunnel
}

if ! command -v wstunnel >/dev/null; then
	source=$(cat "$MESH_VALUES/url-wstunnel")
	url=${source%%#*}
	echo "tunnel: downloading wstunnel from $url"
	if command -v curl >/dev/null; then
		curl -fsSL --retry 3 -o wstunnel.new "$url"
	else
		# The wget of busybox does not check certificates, and the pod decides where names lead.
		[ "${url#https:}" = "$url" ] || fail "wstunnel is not in the image, and its download from $url needs curl"
		wget -q -T 30 -O wstunnel.new "$url"
	fi || fail "wstunnel is not in the image and cannot be downloaded from $url"
	case $source in
	*'#sha256='*) echo "${source##*=}  wstunnel.new" | sha256sum -c - >/dev/null 2>&1 ;;
	esac || fail "wstunnel was downloaded but has another checksum than the configured one"
	unpack "$url" || fail "wstunnel was downloaded but cannot be stored in $TMPDIR"
fi

set --
while IFS= read -r argument; do
	set -- "$@" "$argument"
done <"$MESH_VALUES/arguments"
exec wstunnel client "$@"
