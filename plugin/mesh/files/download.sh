#!/bin/sh
# Functions of mesh.sh and wstunnel.sh, which have the functions fail and start and the variable MESH_TIMEOUT.

download() { # download PROGRAM URL: does nothing if the image has the program
	command -v "$1" >/dev/null && return
	url=${2%%#*}
	echo "downloading $1 from $url"
	if command -v curl >/dev/null; then
		start curl curl -fsSL --retry 3 --max-time "$MESH_TIMEOUT" -o "$1.new" "$url"
	else
		# The wget of busybox does not check certificates, and the pod decides where names lead.
		[ "${url#https:}" = "$url" ] || fail "$1 is not in the image, and its download from $url needs curl"
		start wget wget -q -T 30 -O "$1.new" "$url"
	fi
	# A signal interrupts this wait; it would not interrupt a program in the foreground.
	wait $! || fail "$1 is not in the image and cannot be downloaded from $url"
	checksum "$1.new" "$2" || fail "$1 was downloaded but has another checksum than the configured one"
	unpack "$1" "$url" || fail "$1 was downloaded but cannot be stored in $TMPDIR"
}

checksum() { # checksum FILE URL: compares the file with the checksum at the end of the URL, if there is one
	case $2 in
	*'#sha256='*) echo "${2##*=}  $1" | sha256sum -c - >/dev/null 2>&1 ;;
	esac
}

unpack() { # unpack PROGRAM URL
	case $2 in
	*.tar.gz | *.tgz) tar -xzof "$1.new" "$1" && rm -f "$1.new" ;;
	*) mv "$1.new" "$1" ;;
	esac && chmod 755 "$1"
}
