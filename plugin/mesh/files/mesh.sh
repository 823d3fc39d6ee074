#!/bin/sh
# Sets up the network between this pod and the local cluster, and keeps it up: WireGuard in user space, through
# a wstunnel connection to the ingress of the local cluster. The script runs in a container of its own, in the
# network of the pod. The kubelet restarts it when it ends; its last line says why it ended.
#
# It reads its values from the files in $MESH_VALUES, one value a file: interface, server (URL), ingress (its host),
# password, endpoint, dns, mtu, routes (one a line), wg.conf, url-wstunnel, url-wireguard-go, url-wg.
set -eu
set -f # a value is never the name of a file
umask 077

: "${TMPDIR:?}" "${MESH_VALUES:?}" "${POD_NAMESPACE:=default}"
RESOLV_CONF=${RESOLV_CONF:-/etc/resolv.conf}    # all containers of the pod share this file
HOSTS=${HOSTS:-/etc/hosts}                      # and this one; the kubelet rewrites it when a container starts
TUN=${TUN:-/dev/net/tun}
CLUSTER_DOMAIN=${CLUSTER_DOMAIN:-cluster.local} # of the local cluster
UDP_SOCKETS=${UDP_SOCKETS:-/proc/net/udp}
MESH_TIMEOUT=${MESH_TIMEOUT:-100}               # seconds until the network must be ready
deadline=$(($(date +%s) + MESH_TIMEOUT))

value() { cat "$MESH_VALUES/$1"; }
INTERFACE=$(value interface)
SERVER=$(value server)
INGRESS=$(value ingress)
PASSWORD=$(value password)
ENDPOINT=$(value endpoint)
LOCAL_DNS=$(value dns)
MTU=$(value mtu)
PEER=10.7.0.1
ROUTES=$({ echo "$PEER/32" && value routes; } | sort -u)

cd "$TMPDIR"
PATH=$PATH:$TMPDIR:/usr/sbin:/sbin
started= # "PROCESS:NAME" of each program that this script started

# Restores the DNS configuration of the remote cluster, for the time without a mesh.
restore_dns() {
	if grep -q '^# mesh' "$RESOLV_CONF"; then
		cat resolv.conf.remote >"$RESOLV_CONF"
	fi
}

# Stops all programs without an output: the last line of the log must be the message of this script.
stop_all() {
	restore_dns || true
	for program in $started; do
		kill -KILL "${program%%:*}" 2>/dev/null || true
		wait "${program%%:*}" 2>/dev/null || true
	done
	started=
}

fail() { # fail MESSAGE...
	stop_all
	echo "mesh: $*" >&2
	exit 1
}
trap stop_all EXIT
trap 'exit 143' TERM INT

start() { # start NAME COMMAND...
	name=$1
	shift
	"$@" &
	started="$started $!:$name"
}

# Fails if a program that this script started has ended.
check_programs() {
	for program in $started; do
		kill -0 "${program%%:*}" 2>/dev/null || fail "${program#*:} has ended"
	done
}

pause() {
	sleep 0.2 &
	wait $!
}

wait_for() { # wait_for MESSAGE COMMAND...: waits until the command succeeds; fails with the message at the deadline
	message=$1
	shift
	until "$@"; do
		check_programs
		[ "$(date +%s)" -lt "$deadline" ] || fail "$message within $MESH_TIMEOUT s"
		pause
	done
}

# include download.sh

# A run that was killed has left its entries in these files.
restore_dns || fail "$RESOLV_CONF cannot be written"
cat "$RESOLV_CONF" >resolv.conf.remote || fail "$RESOLV_CONF cannot be read"
grep -v '# mesh$' "$HOSTS" >hosts.remote || true
cat hosts.remote >"$HOSTS" || fail "$HOSTS cannot be written"

command -v ip >/dev/null || fail "the program ip (iproute2) is not in the image"
for program in wstunnel wireguard-go wg; do
	download "$program" "$(value "url-$program")"
	started= # the download has ended
done
if [ ! -e "$TUN" ]; then
	{ mkdir -p "${TUN%/*}" && mknod "$TUN" c 10 200; } 2>/dev/null || fail "the device $TUN does not exist and cannot be created"
fi

remote_dns=$(awk '$1 == "nameserver" {print $2}' resolv.conf.remote)
remote_search=$(awk -v domain="$CLUSTER_DOMAIN" '$1 == "search" {
	found = ""
	for (i = 2; i <= NF; i++) if ($i != domain && substr($i, length($i) - length(domain)) != "." domain) found = found " " $i
} END {print found}' resolv.conf.remote)

# Prints the route to an address in the form of "ip route replace", such as "via 10.0.0.1 dev eth0". Prints nothing
# for an address of the pod itself.
route_to() {
	ip -4 route get "$1" 2>/dev/null | awk 'NR == 1 && $1 != "local" {
		for (i = 2; i < NF; i++) if ($i == "via" || $i == "dev") printf "%s %s ", $i, $(i + 1)
	}'
}

device_to() { route_to "$1" | awk '{for (i = 1; i < NF; i++) if ($i == "dev") print $(i + 1)}'; }

# Both clusters may use the same addresses, so the script reads these routes before it changes any: the connection
# that carries the mesh must not go through the mesh, and the remote DNS servers must stay reachable.
case $INGRESS in
*[!0-9.]*) ingress_addresses=$({ getent ahosts "$INGRESS" || getent hosts "$INGRESS"; } | awk '$1 !~ /:/ {print $1}' | sort -u) ;;
*) ingress_addresses=$INGRESS ;;
esac
[ -n "$ingress_addresses" ] || fail "the name $INGRESS of the local cluster's ingress has no IPv4 address here"
for address in $ingress_addresses; do
	route=$(route_to "$address")
	# shellcheck disable=SC2086 # several words
	[ -z "$route" ] || ip route replace "$address/32" $route || fail "the route to the ingress, $address, cannot be kept"
done
# wstunnel resolves the name for each connection, also when the mesh is down and its DNS servers are not reachable.
add_ingress_to_hosts() {
	for address in $ingress_addresses; do
		[ "$address" = "$INGRESS" ] || grep -q "^$address $INGRESS # mesh" "$HOSTS" ||
			echo "$address $INGRESS # mesh" >>"$HOSTS" || fail "$HOSTS cannot be written"
	done
}
add_ingress_to_hosts
remote_servers=
for address in $remote_dns; do
	device=$(device_to "$address")
	remote_servers="$remote_servers --server=$address${device:+@$device}"
done

echo "mesh: connecting to $SERVER"
start wstunnel wstunnel client -L "udp://$ENDPOINT:127.0.0.1:51820?timeout_sec=0" --http-upgrade-path-prefix "$PASSWORD" "$SERVER"

start wireguard-go env WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error \
	wireguard-go -f "$INTERFACE"
wireguard_answers() { ip link show dev "$INTERFACE" >/dev/null 2>&1 && wg show "$INTERFACE" >/dev/null 2>&1; }
wait_for "wireguard-go has not created the interface $INTERFACE" wireguard_answers
# wg prints a line that it does not accept, and that line may hold the private key.
wg setconf "$INTERFACE" "$MESH_VALUES/wg.conf" 2>/dev/null || fail "wg does not accept its configuration"
ip address replace 10.7.0.2/32 dev "$INTERFACE" || fail "the address of the interface $INTERFACE cannot be set"
ip link set dev "$INTERFACE" mtu "$MTU" up || fail "the interface $INTERFACE cannot be enabled"
for route in $ROUTES; do
	ip route replace "$route" dev "$INTERFACE" || fail "the route to $route cannot be added"
done

handshake() { wg show "$INTERFACE" latest-handshakes | awk '$2 > 0 {found = 1} END {exit !found}'; }
wait_for "no handshake with the local cluster (through $SERVER)" handshake

# The DNS server of the local cluster resolves names of the local cluster, and the DNS servers of the remote cluster
# resolve all others. Both may have the same address, so each gets its device. Services of the remote cluster are
# in the same domain as those of the local cluster, so their names are hidden. Reverse look-ups go where the route
# to the address goes.
reverse_servers=
for route in $ROUTES; do
	reverse_servers="$reverse_servers --rev-server=$route,$LOCAL_DNS@$INTERFACE"
done
print_resolv_conf() {
	echo "# mesh"
	printf 'nameserver %s\n' "$@" | awk '!seen[$0]++'
	echo "search $POD_NAMESPACE.svc.$CLUSTER_DOMAIN svc.$CLUSTER_DOMAIN $CLUSTER_DOMAIN$remote_search"
	grep '^options' resolv.conf.remote || echo "options ndots:5"
}
if command -v dnsmasq >/dev/null; then
	dnsmasq_listens() { grep -q ' 0100007F:0035 ' "$UDP_SOCKETS"; } # 127.0.0.1:53
	! dnsmasq_listens || fail "dnsmasq cannot listen on 127.0.0.1:53: another program in the pod does"
	# As a daemon, dnsmasq would set the groups of its user, even of root, and has no right to do so.
	# shellcheck disable=SC2086 # several words
	start dnsmasq dnsmasq --no-daemon --conf-file=/dev/null \
		--bind-interfaces --listen-address=127.0.0.1 --no-resolv --no-hosts --cache-size=1000 --no-negcache \
		"--server=/$CLUSTER_DOMAIN/$LOCAL_DNS@$INTERFACE" $reverse_servers $remote_servers
	wait_for "dnsmasq does not listen on 127.0.0.1:53" dnsmasq_listens
	check_programs
	# No second server: a resolver may ask all servers at the same time and use the first answer.
	print_resolv_conf 127.0.0.1 >resolv.conf.mesh
else
	echo "mesh: warning: dnsmasq is not in the image: all look-ups ask the local cluster first, and the resolver of" \
		"musl, which asks all servers at the same time, may not find names of the local cluster"
	# shellcheck disable=SC2086 # several words
	print_resolv_conf "$LOCAL_DNS" $remote_dns >resolv.conf.mesh
fi
cat resolv.conf.mesh >"$RESOLV_CONF" || fail "$RESOLV_CONF cannot be written"

: >mesh-ready
echo "mesh: the network is ready"
while :; do
	check_programs
	add_ingress_to_hosts
	sleep 2 &
	wait $!
done
