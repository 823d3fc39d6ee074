package mesh

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const long = "MESH_STARTUP_TIMEOUT=600"

// each runs a test in each shell.
func each(t *testing.T, run func(t *testing.T, shell []string)) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) { t.Parallel(); run(t, shell) })
	}
}

// The kubelet asks it to end, whatever it does at the moment.
func TestRunEndsWhenAsked(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"while packages are installed": {"install.sh": ": >$TMPDIR/began\n" + forever, "mesh.sh": up},
		"while the network comes up":   {"mesh.sh": "#!/bin/sh\n: >$TMPDIR/began\n" + forever},
		"when it is up":                {"mesh.sh": up + ": >$TMPDIR/began\n" + forever},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, shell []string) {
				s := newStage(t, shell, files, long)
				c := s.start()
				s.eventually("it begins", func() bool { return s.there("began") })
				_ = c.cmd.Process.Signal(syscall.SIGTERM)
				if code, out := c.ends(); code != 0 || s.there("mesh-failed") {
					t.Errorf("ended with %d:\n%s", code, out)
				}
			})
		})
	}
}

// A mesh that failed once must not come up in a later run: the pod is failed by
// then. The words of the failure stay those of the run before.
func TestRunStaysFailed(t *testing.T) {
	each(t, func(t *testing.T, shell []string) {
		s := newStage(t, shell, map[string]string{"mesh.sh": "#!/bin/sh\nexit 3\n"}, long)
		if code, out := s.start().ends(); code != ExitStartFailed {
			t.Fatalf("ended with %d:\n%s", code, out)
		}
		s.write("mesh.sh", up+forever)
		again := s.start()
		s.eventually("it says so", func() bool { return strings.Contains(again.read(), "did not come up") })
		_ = again.cmd.Process.Signal(syscall.SIGTERM)
		if code, out := again.ends(); code != 0 || s.there("mesh-ready") {
			t.Errorf("ended with %d, up: %v\n%s", code, s.there("mesh-ready"), out)
		}
	})
}

// An ordinary container ends well once the annotation is there, and not before.
func TestRunEndsWithThePod(t *testing.T) {
	each(t, func(t *testing.T, shell []string) {
		finished := filepath.Join(t.TempDir(), "finished")
		s := newStage(t, shell, map[string]string{"mesh.sh": up + ": >$TMPDIR/began\n" + forever}, long, "MESH_FINISHED_FILE="+finished)
		c := s.start()
		s.eventually("it is up", func() bool { return s.there("mesh-was-up") })
		// The kubelet makes the file, empty while there is no annotation.
		if err := os.WriteFile(finished, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.cmd.Process.Signal(syscall.Signal(0)); err != nil {
			t.Fatal("it ended before the annotation was there")
		}
		if err := os.WriteFile(finished, []byte("true"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, out := c.ends(); code != 0 {
			t.Errorf("ended with %d:\n%s", code, out)
		}
	})
}

// A script in the manner of InterLink's for Slurm (not its words): it fetches
// programs, leaves the network for a new one, which it connects by slirp4netns,
// and runs its arguments as the job.
const slurmScript = `#!/bin/bash
set -e
set -m
export PATH=$PATH:$PWD:/usr/sbin:/sbin
TMPDIR=${SLIRP_TMPDIR:-/nowhere}
mkdir -p $TMPDIR
cd $TMPDIR
curl -L -f -k https://127.0.0.1/wg -o wg
curl -L -f -k https://127.0.0.1/slirp4netns -o slirp4netns
chmod +x slirp4netns
cat <<'EOFSLIRP' > $TMPDIR/inner.sh
#!/bin/bash
set -e
echo "job $SLURM_JOB_ID of $SLURM_JOB_NAME"
$@
EOFSLIRP
chmod +x $TMPDIR/inner.sh
case "${SLIRP_USERNS_MODE:-auto}" in
none) FLAGS="" ;;
*) FLAGS="--user --map-root-user" ;;
esac
unshare $FLAGS --net --mount $TMPDIR/inner.sh "$@" &
JOBPID=$!
./slirp4netns --configure $JOBPID tap0 &
fg 1
`

func TestRunSlurmScript(t *testing.T) {
	each(t, func(t *testing.T, shell []string) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "job-7", Namespace: "demo", UID: "u"}}
		part := Setup(slurmScript, pod, "secret", Options{SlurmSetupScript: true, InitContainer: true})
		s := newStage(t, shell, nil, long)
		for name, content := range part.Files {
			s.write(name, string(content))
		}
		// The machine's own curl, as the stand-in finds it.
		machine := t.TempDir()
		if err := os.WriteFile(filepath.Join(machine, "curl"), []byte("#!/bin/sh\necho \"fetched $*\"\nfor last; do :; done\n: >\"$last\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, v := range part.Container.Env {
			value := strings.ReplaceAll(strings.ReplaceAll(v.Value, filesPath, s.files), scratchPath, s.scratch)
			s.env = append(s.env, v.Name+"="+value)
		}
		s.env = append(s.env, long, "PATH="+machine+":"+os.Getenv("PATH"))
		var args []string
		for _, arg := range part.Container.Command[2:] {
			args = append(args, strings.ReplaceAll(arg, filesPath, s.files))
		}
		c := s.start(args...)
		s.eventually("the job says that the network is up", func() bool { return s.there("mesh-ready") || c.cmd.ProcessState != nil })
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		code, out := c.ends()
		if code != 0 || !strings.Contains(out, "fetched -L -f -k https://127.0.0.1/wg -o wg\n") || strings.Contains(out, "fetched -L -f -k https://127.0.0.1/slirp4netns") ||
			!strings.Contains(out, "job 1 of job-7\n") {
			t.Errorf("ended with %d:\n%s", code, out)
		}
	})
}

// InterLink's commands leave the tunnel in the background; the container lasts as
// long as it does.
func TestRunTunnelCommands(t *testing.T) {
	for name, test := range map[string]struct {
		commands, says string
		code           int
	}{
		"in the background":  {"echo fetched && sh -c 'echo open; exit 3' &", "fetched\nopen\nmesh-setup: the script ended with exit code 3\n", 3},
		"in the foreground":  {"echo fetched && sh -c 'echo open'", "fetched\nopen\nmesh-setup: the script ended with exit code 0\n", 0},
		"that fail at once":  {"false && echo never &", "mesh-setup: the script ended with exit code 1\n", 1},
		"of several lines":   {"echo a\necho b &", "a\nb\nmesh-setup: the script ended with exit code 0\n", 0},
		"with a comment end": {"echo a # b", "a\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, shell []string) {
				part := Client(test.commands, &corev1.Pod{}, "secret", Options{})
				s := newStage(t, shell, nil)
				for name, content := range part.Files {
					s.write(name, string(content))
				}
				code, out := s.start("/bin/sh", filepath.Join(s.files, "tunnel.sh")).ends()
				if code != test.code || !strings.Contains(out, test.says) {
					t.Errorf("ended with %d:\n%s\nwant %d:\n%s", code, out, test.code, test.says)
				}
			})
		})
	}
}
