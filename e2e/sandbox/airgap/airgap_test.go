package airgap

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// copyProject copies the files that the recipe reads into a folder, and finds the folder
// of kind's module.
func copyProject(t *testing.T) (folder, kind string) {
	t.Helper()
	folder = t.TempDir()
	for _, name := range []string{"e2e/sandbox/airgap", "e2e/sandbox/engine/runc-shim", "e2e/sandbox/wstunnel"} {
		if err := os.CopyFS(filepath.Join(folder, name), os.DirFS(filepath.Join(testkit.Root(t), name))); err != nil {
			t.Fatal(err)
		}
	}
	kind, err := output(exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"))
	if err != nil {
		t.Fatal(err)
	}
	return folder, kind
}

func TestRecipe(t *testing.T) {
	folder, kind := copyProject(t)
	r, err := readRecipe(folder, kind)
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`^interlink-e2e/node:v1\.\d+\.\d+-[0-9a-f]{12}$`); !want.MatchString(r.image()) {
		t.Errorf("the image is %s", r.image())
	}
	for component, want := range map[string]string{
		"kube-apiserver": `^registry\.k8s\.io/kube-apiserver:v1\.\d+\.\d+$`,
		"etcd":           `^registry\.k8s\.io/etcd:3\.\d+\.\d+-0$`,
		"coredns":        `^registry\.k8s\.io/coredns/coredns:v1\.\d+\.\d+$`,
	} {
		if got := r.imageOf(component); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("the image of %s is %s", component, got)
		}
	}
}

// A change of an input gives the image another name, and nothing else does.
func TestImageIsRebuiltWhenInputsChange(t *testing.T) {
	folder, kind := copyProject(t)
	before, err := readRecipe(folder, kind)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		file            string
		image, programs bool // changes
	}{
		{"e2e/sandbox/airgap/kubernetes/go.sum", true, true},
		{"e2e/sandbox/airgap/containerd/go.mod", true, true},
		{"e2e/sandbox/airgap/coredns/go.mod", true, true},
		{"e2e/sandbox/airgap/node/Dockerfile", true, false},
		{"e2e/sandbox/airgap/node/files/kind/bin/prepare", true, false},
		{"e2e/sandbox/airgap/node.go", true, false},
		{"e2e/sandbox/engine/runc-shim/main.go", true, true},
		{"e2e/sandbox/wstunnel/server.go", true, false},
		{"e2e/sandbox/airgap/airgap_test.go", false, false},
		{"e2e/sandbox/airgap/notes.md", false, false},
	} {
		path := filepath.Join(folder, tc.file)
		original, _ := os.ReadFile(path)
		if err := os.WriteFile(path, append(original, "\n// changed\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
		after, err := readRecipe(folder, kind)
		if err != nil {
			t.Fatal(err)
		}
		if (after.key != before.key) != tc.image || (after.programs != before.programs) != tc.programs {
			t.Errorf("after a change of %s: another image %v, other programs %v", tc.file, after.key != before.key, after.programs != before.programs)
		}
		if err := os.WriteFile(path, original, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecipeNeedsARelease(t *testing.T) {
	folder, kind := copyProject(t)
	path := filepath.Join(folder, "e2e/sandbox/airgap/kubernetes/go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`\sgo\.etcd\.io/etcd/server/v3 v\S+`).ReplaceAll(text, nil)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readRecipe(folder, kind); err == nil || !strings.Contains(err.Error(), "go.etcd.io/etcd/server/v3") {
		t.Errorf("%v", err)
	}
}

// The files over the Debian file system are those of this release of kind, with their
// modes.
func TestNodeFiles(t *testing.T) {
	folder, kind := copyProject(t)
	r, err := readRecipe(folder, kind)
	if err != nil {
		t.Fatal(err)
	}
	b := Builder{Cache: t.TempDir()}
	if err := os.MkdirAll(b.programsFolder(r), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kubeadm", "kubelet", "kubectl", "runc-shim", "containerd", "containerd-shim-runc-v2", "ctr"} {
		if err := os.WriteFile(filepath.Join(b.programsFolder(r), name), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := t.TempDir()
	if err := b.writeNodeFiles(r, root); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{
		"usr/local/bin/entrypoint": 0o755, "kind/bin/mount-product-files.sh": 0o755, "kind/bin/prepare": 0o755,
		"etc/cni/net.d/10-bridge.conflist": 0o644, "etc/containerd/config.toml": 0o644, "usr/local/sbin/runc": 0o755, "usr/bin/kubelet": 0o755, "usr/local/bin/containerd": 0o755,
	} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), mode)
		}
	}
	config, err := os.ReadFile(filepath.Join(root, "etc/containerd/config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"` + pause + `"`, "restrict_oom_score_adj = true"} {
		if !strings.Contains(string(config), want) {
			t.Errorf("config.toml does not contain %s:\n%s", want, config)
		}
	}
	if err := replace(filepath.Join(root, "kind/version"), "no such text", ""); err == nil {
		t.Error("replace does not fail for a missing text")
	}
}
