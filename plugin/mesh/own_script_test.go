package mesh

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// programs are stand-ins that record their calls in the file "calls" of the scratch volume.
// The tests in folder manifests run the same script with all that can go wrong.
const recordCall = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$TMPDIR/calls\"\n"

func (c *container) addPrograms(programs map[string]string) {
	c.t.Helper()
	for name, text := range programs {
		c.write("programs/"+name, text)
	}
	c.env = append(c.env, "PATH="+filepath.Join(c.files, "programs")+":"+os.Getenv("PATH"))
}

func (c *container) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(c.scratch, name))
	return string(text)
}

// TestOwnScript checks that the plugin's own script sets up the network with the values of
// a pod's script, and that no text of that script runs.
func TestOwnScript(t *testing.T) {
	script := fillIn(t, siteTemplate, map[string]string{"WgToolURL": "$(touch \"$TMPDIR/attacked\")"})
	values, err := ReadValues(script, []Text{newSiteText(t)})
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "demo"}}
	options := Options{StartupTimeout: 10 * time.Minute, InitContainer: true, WstunnelURL: "https://example.org/w", WireguardGoURL: "https://example.org/g", WgURL: "https://example.org/wg"}
	forEachShell(t, func(t *testing.T, shell []string) {
		c, args := newSidecarContainer(t, shell, NewSidecar(values, pod, "secret", options))
		ip := recordCall + "case \"$*\" in *\"route get\"*) echo \"$4 via 10.1.0.1 dev eth0\" ;; esac\n"
		c.addPrograms(map[string]string{
			"ip": ip, "wireguard-go": recordCall + runsForever, "wstunnel": recordCall + runsForever, "getent": recordCall + "echo 10.2.0.7 STREAM\n",
			"wg":      recordCall + "case $* in *latest-handshakes) echo key 1700000000 ;; *setconf*) cat \"$3\" >\"$TMPDIR/wg-read\" ;; esac\n",
			"dnsmasq": recordCall + "echo \"7: 0100007F:0035 00000000:0000 07\" >\"$UDP_SOCKETS\"\n" + runsForever,
		})
		if filepath.Base(shell[0]) == "busybox" { // some builds prefer their own ip
			c.write("mesh.sh", strings.Replace(string(ownScript("mesh.sh")), "set -eu\n", "set -eu\nip() { \""+c.files+"/programs/ip\" \"$@\"; }\n", 1))
		}
		for name, text := range map[string]string{"resolv.conf": "nameserver 10.1.0.53\n", "hosts": "127.0.0.1 localhost\n", "udp": "", "tun": ""} {
			testkit.WriteScript(t, filepath.Join(c.scratch, name), text)
		}
		c.env = append(c.env, "RESOLV_CONF="+c.scratch+"/resolv.conf", "HOSTS="+c.scratch+"/hosts", "UDP_SOCKETS="+c.scratch+"/udp", "TUN="+c.scratch+"/tun")
		c.start(args...)
		c.eventually("the network is ready", func() bool { return c.has("mesh-ready") || !c.Runs() })
		for _, call := range []string{
			"wstunnel client -L udp://127.0.0.1:51821:127.0.0.1:51820?timeout_sec=0 --http-upgrade-path-prefix 0123456789abcdef ws://pod.tunnels.example.org:80\n",
			"wireguard-go -f wgaa15f82b-4992\n", "ip link set dev wgaa15f82b-4992 mtu 1280 up\n", "ip route replace 10.96.0.0/16 dev wgaa15f82b-4992\n",
			"ip route replace 10.244.0.0/16 dev wgaa15f82b-4992\n", "ip route replace 10.7.0.1/32 dev wgaa15f82b-4992\n", "ip route replace 10.2.0.7/32 via 10.1.0.1 dev eth0\n",
			"--server=/cluster.local/10.96.0.10@wgaa15f82b-4992",
		} {
			if !strings.Contains(c.read("calls"), call) {
				t.Errorf("missing call %q among:\n%s\noutput:\n%s", call, c.read("calls"), c.Output())
			}
		}
		if got := c.read("wg-read"); strings.TrimSpace(got) != strings.TrimSpace(values.WireGuard.Config()) {
			t.Errorf("wg reads\n%s", got)
		}
		c.Terminate()
		if code, output := c.Wait(); code != 0 || strings.Contains(output, values.Password) || strings.Contains(output, keyA) {
			t.Errorf("exit code %d, or a key in the output:\n%s", code, output)
		}
		if c.has("attacked") {
			t.Error("a value of the pod's script was run")
		}
	})
}

// TestOwnScriptNeedsNoPrivileges checks that options for scripts of pods have no effect on
// the plugin's own script.
func TestOwnScriptNeedsNoPrivileges(t *testing.T) {
	values, err := ReadValues(fillIn(t, siteTemplate, nil), []Text{newSiteText(t)})
	if err != nil {
		t.Fatal(err)
	}
	sidecar := NewSidecar(values, &corev1.Pod{}, "secret", Options{Privileged: true, SlurmSetupScript: true})
	security := sidecar.Container.SecurityContext
	if security.Privileged != nil || *security.AllowPrivilegeEscalation || security.Capabilities.Drop[0] != "ALL" || len(security.Capabilities.Add) != 3 {
		t.Errorf("security context %+v", security)
	}
	if sidecar.Files["job.sh"] != nil {
		t.Error("the plugin's own script runs in the environment of a Slurm job")
	}
	for name, content := range sidecar.Files {
		if !strings.HasPrefix(name, "values/") && (strings.Contains(string(content), keyA) || strings.Contains(string(content), values.Password)) {
			t.Errorf("%s contains a key", name)
		}
	}
	for _, v := range sidecar.Container.Env {
		if strings.Contains(v.Value, keyA) || strings.Contains(v.Value, values.Password) {
			t.Errorf("the variable %s contains a key", v.Name)
		}
	}
}

// TestOwnTunnel checks that the plugin starts wstunnel with the arguments of the pod's
// commands, after a download from the site's URL if the image does not have the program.
func TestOwnTunnel(t *testing.T) {
	const tunnel = "#!/bin/sh\necho \"wstunnel($#): $*\"\nexit 3\n"
	sum := sha256.Sum256([]byte(tunnel))
	right, wrong := "#sha256="+hex.EncodeToString(sum[:]), "#sha256="+strings.Repeat("0", 64)
	arguments, err := TunnelArguments("touch \"$TMPDIR/attacked\"; ./wstunnel client -P 0a1b2c -R tcp://0.0.0.0:80:localhost:8080 ws://pod.example.org & touch \"$TMPDIR/attacked\"")
	if err != nil {
		t.Fatal(err)
	}
	const started = "wstunnel(6): client -P 0a1b2c -R tcp://0.0.0.0:80:localhost:8080 ws://pod.example.org:80\n"
	downloader := "#!/bin/sh\nwhile [ \"$1\" != -o ] && [ \"$1\" != -O ]; do shift; done\n[ \"$3\" != http://example.org/none ] || exit 1\ncat >\"$2\" <<'EOF'\n" + tunnel + "EOF\n"
	for name, test := range map[string]struct {
		url      string
		programs map[string]string
		output   string
	}{
		"in the image":            {"https://example.org/w", map[string]string{"wstunnel": tunnel}, started},
		"downloaded":              {"https://example.org/w", map[string]string{"curl": downloader}, "downloading wstunnel from https://example.org/w\n" + started},
		"downloaded with wget":    {"http://example.org/w" + right, map[string]string{"curl": "", "wget": downloader}, "downloading wstunnel from http://example.org/w\n" + started},
		"with a checksum":         {"https://example.org/w" + right, map[string]string{"curl": downloader}, started},
		"with another checksum":   {"https://example.org/w" + wrong, map[string]string{"curl": downloader}, "tunnel: wstunnel was downloaded but has another checksum"},
		"without certificates":    {"https://example.org/w", map[string]string{"curl": "", "wget": downloader}, "its download from https://example.org/w needs curl"},
		"which cannot be fetched": {"http://example.org/none", map[string]string{"curl": downloader}, "tunnel: wstunnel is not in the image and cannot be downloaded from http://example.org/none\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachShell(t, func(t *testing.T, shell []string) {
				c, args := newSidecarContainer(t, shell, NewTunnelSidecar(arguments, &corev1.Pod{}, "secret", Options{WstunnelURL: test.url}))
				c.onlyPrograms("sh cat chmod mv rm date sleep dirname sha256sum kill", test.programs)
				args[0] = shell[0] // the image's /bin/sh
				c.start(append(shell[:len(shell):len(shell)], args[1:]...)...)
				code, output := c.Wait()
				if wantCode := map[bool]int{true: 3, false: 1}[strings.HasSuffix(test.output, started)]; code != wantCode || !strings.Contains(output, test.output) {
					t.Errorf("exit code %d, output:\n%s\nwant %d and\n%s", code, output, wantCode, test.output)
				}
				if c.has("attacked") {
					t.Error("the pod's commands were run")
				}
			})
		})
	}
}
