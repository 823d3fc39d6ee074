package manifests

import (
	"os"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const meshResolvConf = "# mesh\nnameserver 127.0.0.1\n" +
	"search demo.svc.cluster.local svc.cluster.local cluster.local hpc.example.org\noptions ndots:5\n"

// TestMeshScriptLife follows the script, in each shell that images have as /bin/sh,
// through a start, a stop by the kubelet, a second start and the end of a program.
func TestMeshScriptLife(t *testing.T) {
	for _, shell := range [][]string{{"/bin/sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			path := testkit.Program(t, shell[0])
			c := newMeshContainer(t, nil, nil)
			c.shell = append([]string{path}, shell[1:]...)
			if shell[0] == "busybox" {
				// Some builds of busybox prefer their own ip to the one in PATH.
				c.write("mesh.sh", strings.Replace(c.read("mesh.sh"), "set -eu\n", "set -eu\nip() { \"$TEST/bin/ip\" \"$@\"; }\n", 1))
			}

			c.startUntilReady()
			c.expectFile("resolv.conf", meshResolvConf)
			c.expectCalls(
				"ip route replace 10.244.7.7/32 via 10.1.0.1 dev eth0", "ip route replace 10.7.0.1/32 dev wgaa15f82b-4992",
				"ip route replace 10.244.0.0/16 dev wgaa15f82b-4992", "ip route replace 10.96.0.0/16 dev wgaa15f82b-4992",
				"--server=/cluster.local/10.96.0.10@wgaa15f82b-4992", "--server=10.96.0.10@eth0", "--server=10.1.0.53@eth0",
				"--rev-server=10.244.0.0/16,10.96.0.10@wgaa15f82b-4992", "--rev-server=10.96.0.0/16,10.96.0.10@wgaa15f82b-4992",
				"wstunnel client -L udp://127.0.0.1:51821:127.0.0.1:51820?timeout_sec=0 --http-upgrade-path-prefix 0a1b2c ws://10.244.7.7:80",
			)
			if n := c.countCalls("ip route replace"); n != 4 {
				t.Errorf("the script sets %d routes, want 4:\n%s", n, c.read("calls"))
			}
			if strings.Contains(c.process.Output(), "0a1b2c") {
				t.Error("the log contains the secret path prefix")
			}

			c.process.Terminate()
			if code, _ := c.wait(); code != 143 {
				t.Errorf("exit code %d after SIGTERM, want 143", code)
			}
			c.eventually("all programs of the script have ended", c.noDaemonRuns)
			c.expectFile("resolv.conf", remoteResolvConf)

			if err := os.Remove(c.path("scratch/mesh-ready")); err != nil {
				t.Fatal(err)
			}
			c.write("udp", "")
			c.startUntilReady()
			c.expectFile("resolv.conf", meshResolvConf)

			c.write("end-wireguard-go", "")
			c.expectEnd(1, "mesh: wireguard-go has ended")
			c.eventually("all programs of the script have ended", c.noDaemonRuns)
		})
	}
}

// TestMeshScriptBecomesReady checks the calls and files of a script that becomes ready,
// for other values and other programs.
func TestMeshScriptBecomesReady(t *testing.T) {
	const meshRoute = "dev wgaa15f82b-4992"
	for _, test := range []struct {
		name     string
		values   map[string]any
		programs map[string]string
		hosts    string // the file before the script runs
		check    func(c *meshContainer)
	}{
		{"pods and services share an address range", map[string]any{"PodCIDRCluster": "10.244.0.0/16", "ServiceCIDR": "10.244.0.0/16"}, nil, "", func(c *meshContainer) {
			if n := c.countCalls("ip route replace", meshRoute); n != 2 {
				c.Errorf("%d routes into the mesh, want 2:\n%s", n, c.read("calls"))
			}
		}},
		{"no address ranges", map[string]any{"PodCIDRCluster": "", "ServiceCIDR": ""}, nil, "", func(c *meshContainer) {
			if n := c.countCalls("ip route replace", meshRoute); n != 1 {
				c.Errorf("%d routes into the mesh, want 1:\n%s", n, c.read("calls"))
			}
		}},
		{"ingress with a name", map[string]any{"IngressEndpoint": "pod.tunnels.example.org"},
			map[string]string{"getent": recordCall + "echo \"10.244.7.7 STREAM pod.tunnels.example.org\"\necho \"fd00::7 STREAM\"\n"},
			"127.0.0.1 localhost\n10.244.6.6 pod.tunnels.example.org # mesh\n", func(c *meshContainer) {
				// wstunnel must find the ingress without the DNS server behind the mesh.
				const want = "127.0.0.1 localhost\n10.244.7.7 pod.tunnels.example.org # mesh\n"
				c.expectFile("hosts", want)
				c.write("hosts", "127.0.0.1 localhost\n") // as the kubelet does when a container starts
				c.eventually("the script adds the ingress again", func() bool { return c.read("hosts") == want })
				c.expectCalls("ip route replace 10.244.7.7/32 via", "ws://pod.tunnels.example.org:80")
			}},
		{"image without dnsmasq", nil, map[string]string{"dnsmasq": ""}, "", func(c *meshContainer) {
			if got := c.read("resolv.conf"); !strings.HasPrefix(got, "# mesh\nnameserver 10.96.0.10\nnameserver 10.1.0.53\nsearch demo.") {
				c.Errorf("resolv.conf is\n%s", got)
			}
			if !strings.Contains(c.process.Output(), "warning: dnsmasq is not in the image") {
				c.Errorf("no warning in the log:\n%s", c.process.Output())
			}
		}},
		{"downloads with curl", nil, map[string]string{"wstunnel": "", "wireguard-go": "", "curl": downloader}, "", func(c *meshContainer) {
			c.expectCalls("curl -fsSL --retry 3 --max-time 100 -o wstunnel.new https://example.org/wstunnel", "wstunnel client", "wireguard-go -f")
		}},
		{"downloads with wget", map[string]any{"WSTunnelExecutableURL": "http://example.org/wstunnel"}, map[string]string{"wstunnel": "", "wget": downloader}, "", func(c *meshContainer) {
			c.expectCalls("wget -q -T 30 -O wstunnel.new http://example.org/wstunnel", "wstunnel client", "wireguard-go -f")
		}},
		{"wstunnel ends later", nil, nil, "", func(c *meshContainer) {
			c.write("end-wstunnel", "")
			c.expectEnd(1, "mesh: wstunnel has ended")
		}},
		{"dnsmasq ends later", nil, nil, "", func(c *meshContainer) {
			c.write("end-dnsmasq", "")
			c.expectEnd(1, "mesh: dnsmasq has ended")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newMeshContainer(t, test.values, test.programs)
			if test.hosts != "" {
				c.write("hosts", test.hosts)
			}
			c.startUntilReady()
			test.check(c)
		})
	}
}

// TestMeshScriptFails checks that the last line of the log says why the script failed,
// that the network is not reported as ready, and that the DNS configuration is that of
// the remote cluster.
func TestMeshScriptFails(t *testing.T) {
	type files = map[string]string
	ingressValue := func(name string) map[string]any { return map[string]any{"IngressEndpoint": name} }
	for _, test := range []struct {
		name     string
		values   map[string]any
		programs map[string]string
		files    files
		env      string
		lastLine string
	}{
		{"ip is missing", nil, files{"ip": ""}, nil, "", "mesh: the program ip (iproute2) is not in the image"},
		{"wstunnel is missing, and so are curl and wget", nil, files{"wstunnel": ""}, nil, "", "mesh: wstunnel is not in the image, and its download from https://example.org/wstunnel needs curl"},
		{"wg is missing, and so is curl", nil, files{"wg": "", "wget": downloader}, nil, "", "mesh: wg is not in the image, and its download from https://example.org/wg needs curl"},
		{"wg is missing, and curl fails", nil, files{"wg": "", "curl": downloader}, files{"fail-curl": ""}, "", "mesh: wg is not in the image and cannot be downloaded from https://example.org/wg"},
		{"device is missing", nil, nil, nil, "TUN=/proc/none/tun", "mesh: the device /proc/none/tun does not exist and cannot be created"},
		{"ingress has no address", ingressValue("no.such.invalid"), nil, nil, "", "mesh: the name no.such.invalid of the local cluster's ingress has no IPv4 address here"},
		{"route to the ingress", nil, files{"ip": ip + "case $* in *\"replace 10.244.7.7/32\"*) exit 1 ;; esac\n"}, nil, "", "mesh: the route to the ingress, 10.244.7.7, cannot be kept"},
		{"wireguard-go ends at once", nil, files{"wg": recordCall + "exit 1\n"}, files{"end-wireguard-go": ""}, "", "mesh: wireguard-go has ended"},
		{"wg prints the key in its error", nil, files{"wg": recordCall + "case $1 in setconf) cat \"$3\" >&2; exit 1 ;; esac\n"}, nil, "", "mesh: wg does not accept its configuration"},
		{"no handshake", nil, nil, files{"no-handshake": ""}, "MESH_TIMEOUT=1", "mesh: no handshake with the local cluster (through ws://10.244.7.7:80) within 1 s"},
		{"no handshake after a run that was killed", nil, nil, files{"no-handshake": "", "resolv.conf": "# mesh\nnameserver 127.0.0.1\n", "scratch/resolv.conf.remote": remoteResolvConf},
			"MESH_TIMEOUT=1", "mesh: no handshake with the local cluster (through ws://10.244.7.7:80) within 1 s"},
		{"wstunnel ends before the handshake", nil, nil, files{"no-handshake": "", "end-wstunnel": ""}, "", "mesh: wstunnel has ended"},
		{"workload listens on the DNS port", nil, nil, files{"udp": "7: 0100007F:0035 00000000:0000 07\n"}, "", "mesh: dnsmasq cannot listen on 127.0.0.1:53: another program in the pod does"},
		{"dnsmasq does not listen", nil, files{"dnsmasq": daemon}, nil, "MESH_TIMEOUT=1", "mesh: dnsmasq does not listen on 127.0.0.1:53 within 1 s"},
		{"dnsmasq ends at once", nil, nil, files{"end-dnsmasq": ""}, "", "mesh: dnsmasq has ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newMeshContainer(t, test.values, test.programs, test.env)
			for name, text := range test.files {
				c.write(name, text)
			}
			c.start()
			c.expectEnd(1, test.lastLine)
			if c.ready() {
				t.Error("the network is reported as ready")
			}
			if strings.Contains(c.process.Output(), "PrivateKey") {
				t.Errorf("the log contains the key:\n%s", c.process.Output())
			}
			if test.files["udp"] != "" && c.countCalls("dnsmasq ") > 0 {
				t.Error("the script starts dnsmasq although another program has its port")
			}
			c.expectFile("resolv.conf", remoteResolvConf)
			c.eventually("all programs of the script have ended", c.noDaemonRuns)
		})
	}
}
