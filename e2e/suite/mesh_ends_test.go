//go:build e2e

package suite

import "strings"

// meshPeer is the local end of a mesh: InterLink's virtual kubelet makes one for each
// pod, of a template. It hands on what comes to its address. The remote end reaches it
// by a port of the node, as it would by an ingress.
const meshPeer = `
apiVersion: v1
kind: Secret
metadata: {name: "{{.Name}}", namespace: "{{.Namespace}}"}
stringData:
  wg.conf: |
    [Interface]
    PrivateKey = {{.WGPrivateKey}}
    ListenPort = 51820
    [Peer]
    PublicKey = {{.ClientPublicKey}}
    AllowedIPs = 10.7.0.2/32
  start.sh: |
    set -e
    wireguard-go wg0
    until wg show wg0 >/dev/null 2>&1; do sleep 0.2; done
    wg setconf wg0 /peer/wg.conf
    ip address add 10.7.0.1/32 dev wg0
    ip link set wg0 mtu 1280 up
    ip route add 10.7.0.2/32 dev wg0
    echo 1 >/proc/sys/net/ipv4/ip_forward
    iptables -t nat -A PREROUTING -i eth0 -p tcp ! --dport 8080 -j DNAT --to-destination 10.7.0.2
    iptables -t nat -A POSTROUTING -s 10.7.0.2 -j MASQUERADE
    iptables -t nat -A POSTROUTING -d 10.7.0.2 -j MASQUERADE
    exec wstunnel server --restrict-http-upgrade-path-prefix {{.RandomPassword}} --restrict-to 127.0.0.1:51820 ws://0.0.0.0:8080
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{.Name}}", namespace: "{{.Namespace}}"}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app.kubernetes.io/component: "{{.Name}}"}}
  template:
    metadata: {labels: {app.kubernetes.io/component: "{{.Name}}"}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: peer
        image: IMAGE
        command: [sh, /peer/start.sh]
        securityContext: {privileged: true}
        ports: [{containerPort: 8080, hostPort: PORT}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: peer, mountPath: /peer}]
      volumes: [{name: peer, secret: {secretName: "{{.Name}}"}}]
`

// meshWeb is a service of the local cluster.
const meshWeb = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: IMAGE
        command: [sh, -c, "mkdir /www; echo the local web >/www/index.html; exec busybox httpd -f -p 8080 -h /www"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

// meshWorkload does not know of a mesh: its first line fails unless that is up. It
// serves a word, and what a service of the local cluster says.
const meshWorkload = `
set -e
ping -c 1 -W 5 10.7.0.1 >/dev/null
mkdir -p /www/cgi-bin
printf '#!/bin/sh\necho\nexec curl -fsS --max-time 10 http://web\n' >/www/cgi-bin/ask
chmod +x /www/cgi-bin/ask
echo the remote workload >/www/index.html
grep nameserver /etc/resolv.conf
exec busybox httpd -f -p 8000 -h /www`

// meshFiles serves the programs that InterLink fetches, one of them packed as its authors do: of an owner that
// nobody here is.
const meshFiles = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: files}
spec:
  selector: {matchLabels: {app: files}}
  template:
    metadata: {labels: {app: files}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: files
        image: IMAGE
        command: [sh, -c]
        args:
        - |
          mkdir /w && cd /w
          cp /usr/bin/wg /usr/bin/wireguard-go /usr/local/bin/wstunnel .
          tar --owner=1001 --group=127 -czf wstunnel.tar.gz wstunnel
          exec busybox httpd -f -p 8081 -h /w
        ports: [{containerPort: 8081, hostPort: FILES_PORT}]
        readinessProbe: {tcpSocket: {port: 8081}, periodSeconds: 1}
`

// tunnelServer is the local end of a tunnel.
const tunnelServer = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{.Name}}", namespace: "{{.Namespace}}"}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app.kubernetes.io/component: "{{.Name}}"}}
  template:
    metadata: {labels: {app.kubernetes.io/component: "{{.Name}}"}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: peer
        image: IMAGE
        command: [wstunnel, server, --restrict-http-upgrade-path-prefix, "{{.RandomPassword}}", "ws://0.0.0.0:8080"]
        ports: [{containerPort: 8080, hostPort: PORT}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
`

// tunnelCommand is in the form of InterLink's own.
func tunnelCommand(url, prefix, ports, ingress string) string {
	return "curl -L -f -k " + url + " -o wstunnel.tar.gz && tar -xzvf wstunnel.tar.gz && chmod +x wstunnel && " +
		"./wstunnel client --http-upgrade-path-prefix " + prefix + " " + ports + " ws://" + ingress + ":80 &"
}

// ingress gives a port of the local cluster's node a name in the remote one, as an
// ingress has: NAME.offloading-ingress.svc.cluster.local, which is found by the remote
// cluster's DNS and by no other, also where the local cluster's is asked first.
const ingress = `
apiVersion: v1
kind: Namespace
metadata: {name: offloading-ingress}
---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: offloading-ingress}
spec:
  clusterIP: CLUSTER_IP
  ports: [{port: 80, targetPort: PORT}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: NAME, namespace: offloading-ingress, labels: {kubernetes.io/service-name: NAME}}
addressType: IPv4
endpoints: [{addresses: [ADDRESS]}]
ports: [{port: PORT}]
`

// meshNames is a DNS server of the remote cluster that knows a name which the local
// one does not.
const meshNames = `
apiVersion: v1
kind: Pod
metadata: {name: names, namespace: offloading-ingress}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: dnsmasq
    image: IMAGE
    command: [dnsmasq, --no-daemon, --conf-file=/dev/null, --no-hosts, --address=/remote.example/192.0.2.7]
    readinessProbe: {exec: {command: [grep, -q, ":0035 ", /proc/net/udp]}, periodSeconds: 1}
`

const ingressDomain = "offloading-ingress.svc.cluster.local"

// ingress is the node itself at port 80, and an address of the remote cluster that
// leads to it at any other.
func (l *realLocal) ingress(name, port string) {
	l.Helper()
	clusterIP := "None"
	if port != "80" {
		clusterIP = `""`
	}
	manifest := strings.NewReplacer("NAME", name, "CLUSTER_IP", clusterIP, "PORT", port, "ADDRESS", l.address).Replace(ingress)
	if err := kubectlApply(stage.ctx, stage.remote.kubeconfig, manifest); err != nil {
		l.Fatal(err)
	}
}
