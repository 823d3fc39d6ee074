package mesh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// slurmScript works like InterLink's own script for Slurm, with other words: it
// downloads programs, starts its job in a new network namespace that slirp4netns
// connects, and sets up WireGuard there. Like InterLink's, it holds further heredocs.
const slurmScript = `#!/bin/bash
set -em
work=${SLIRP_TMPDIR:-/nowhere}
mkdir -p "$work" && cd "$work"
for program in wstunnel wireguard-go wg slirp4netns; do
	curl -sfL "https://example.org/$program" -o "$program"
	chmod 755 "$program"
done
cat <<'EOFWG' > wg.conf
[Interface]
PrivateKey = key
EOFWG
cat <<'EOFSLIRP' > namespace.sh
#!/bin/bash
set -eu
cat > own.conf <<EOF
nameserver 10.96.0.10
EOF
mount --bind own.conf /etc/resolv.conf
./wstunnel client -L udp://127.0.0.1:51821:127.0.0.1:51820 ws://ingress.example.org:80 &
./wireguard-go wg0 &
ip link set wg0 up
./wg setconf wg0 wg.conf
ip route add 10.244.0.0/16 dev wg0
ping -c 1 10.7.0.1
echo "job $SLURM_JOB_ID of $SLURM_JOB_NAME"
"$@"
EOFSLIRP
chmod 755 namespace.sh
case "${SLIRP_USERNS_MODE:-auto}" in
none) flags="" ;;
*) flags="--user --map-root-user" ;;
esac
unshare $flags --net --mount ./namespace.sh "$@" &
./slirp4netns --configure "$!" tap0 &
fg 1
`

// TestSlurmScriptRunsToItsJob checks that a script for Slurm, read from the annotation
// as InterLink writes it, sets up the network and runs its job in the network of the
// pod. Stand-ins record the calls of all programs that it downloads, and of those that
// would change this machine.
func TestSlurmScriptRunsToItsJob(t *testing.T) {
	script, others, err := ExtractScript("cat <<'EOFMESH' > $TMPDIR/mesh.sh\n" + slurmScript + "\nEOFMESHecho user-pre-exec")
	if err != nil || others != "echo user-pre-exec" {
		t.Fatalf("other commands %q, error %v", others, err)
	}
	forEachShell(t, func(t *testing.T, shell []string) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "job-7", Namespace: "demo", UID: "u"}}
		c, args := newSidecarContainer(t, shell, NewSidecarOfPod(script, pod, "secret", Options{SlurmSetupScript: true, InitContainer: true}))
		machine, callsFile := t.TempDir(), filepath.Join(t.TempDir(), "calls")
		record := "#!/bin/sh\necho \"${0##*/} $*\" >>" + callsFile + "\n"
		for name, program := range map[string]string{
			"ip": record, "mount": record, "ping": record, "unshare": record + "exit 1\n",
			"curl": record + "for last; do :; done\ncat >\"$last\" <<'EOF'\n" + record + "EOF\n",
		} {
			if err := os.WriteFile(filepath.Join(machine, name), []byte(program), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		c.env = append(c.env, longTimeout, "PATH="+machine+":"+os.Getenv("PATH"))
		c.start(args...)
		c.eventually("the job reports that the network is ready", func() bool { return c.has("mesh-ready") || strings.Contains(c.Output(), "mesh-setup:") })
		c.eventually("programs in the background have begun", func() bool {
			calls, _ := os.ReadFile(callsFile)
			return strings.Contains(string(calls), "wireguard-go wg0\n") && strings.Contains(string(calls), "wstunnel client -L") || strings.Contains(c.Output(), "mesh-setup:")
		})
		c.Terminate()
		code, output := c.Wait()
		text, err := os.ReadFile(callsFile)
		if err != nil {
			t.Fatal(err)
		}
		calls := string(text)
		if code != 0 || !c.has("mesh-ready") || !strings.Contains(output, "job 1 of job-7\n") {
			t.Errorf("exit code %d, network ready: %v, output:\n%s", code, c.has("mesh-ready"), output)
		}
		for _, call := range []string{
			"curl -sfL https://example.org/wg -o wg\n", "mount --bind", "wstunnel client -L", "wireguard-go wg0\n",
			"ip link set wg0 up\n", "wg setconf wg0 wg.conf\n", "ip route add 10.244.0.0/16 dev wg0\n", "ping",
		} {
			if !strings.Contains(calls, call) {
				t.Errorf("missing call %q among:\n%s", call, calls)
			}
		}
		for _, program := range []string{"unshare", "slirp4netns"} {
			if strings.Contains(calls, program) {
				t.Errorf("the real %s was called or downloaded:\n%s", program, calls)
			}
		}
	})
}
