package airgap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// importImages lets the node's container runtime take in the archive of images.
const importImages = `containerd >/tmp/log 2>&1 & runtime=$!
for try in 1 2 3 4 5 6 7 8 9 10; do ctr version >/dev/null 2>&1 && break; sleep 1; done
ctr -n k8s.io images import --no-unpack - >/dev/null || { cat /tmp/log >&2; exit 1; }
kill $runtime; wait $runtime || true; rm -f /tmp/log`

// node makes the image: the Debian, over it the files of kind and this package,
// and the images of the control plane in its container runtime.
func (b Builder) node(ctx context.Context, r recipe) error {
	b.Log("making the node image")
	base := debianRepository + ":" + r.key
	if err := load(ctx, b.debian(), base); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(b.Cache, "node")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // in the cache's folder
	if err := b.lay(r, filepath.Join(folder, "root")); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(r.dir, "node", "Dockerfile"), filepath.Join(folder, "Dockerfile")); err != nil {
		return err
	}
	files := base + "-files"
	build := exec.CommandContext(ctx, "docker", "build", "-q", "--force-rm", "--network", "none", "--build-arg", "BASE="+base, "-t", files, folder)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0") // there may be no other builder
	if _, err := output(build); err != nil {
		return err
	}
	container, err := output(exec.CommandContext(ctx, "docker", "create", "-i", "--privileged", "--network", "none",
		"--entrypoint", "sh", files, "-c", importImages))
	if err != nil {
		return err
	}
	defer run(context.WithoutCancel(ctx), "docker", "rm", "-f", "-v", container) //nolint:errcheck // nothing to do about it
	archive, err := os.Open(b.archive(r))
	if err != nil {
		return err
	}
	defer archive.Close() //nolint:errcheck // it has been read
	fill := exec.CommandContext(ctx, "docker", "start", "-a", "-i", container)
	fill.Stdin = archive
	if _, err := output(fill); err != nil {
		return err
	}
	if err := run(ctx, "docker", "commit", "-c", `ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]`, "-c", "CMD []", container, r.image()); err != nil {
		return err
	}
	return os.Remove(b.archive(r))
}

// lay puts into a folder what comes over the Debian.
func (b Builder) lay(r recipe, root string) error {
	kind := filepath.Join(r.kind, "images", "base", "files")
	for _, from := range []struct{ folder, to string }{
		{filepath.Join(kind, "usr"), "usr"},
		{filepath.Join(kind, "etc"), "etc"},
		{filepath.Join(kind, "kind"), "kind"},
		{filepath.Join(r.dir, "node", "files"), ""},
	} {
		if err := copyFolder(from.folder, filepath.Join(root, from.to)); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{
		"kubeadm": "usr/bin", "kubelet": "usr/bin", "kubectl": "usr/bin",
		"runc-shim": "usr/local/sbin/runc", // stands before runc, which looks itself at what the host grants
	} {
		path := filepath.Join(root, to)
		if name != "runc-shim" {
			path = filepath.Join(path, name)
		}
		if err := copyFile(filepath.Join(b.bin(r), name), path); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "kind", "version"), []byte(r.kubernetes), 0o644); err != nil {
		return err
	}
	for name, change := range map[string][2]string{
		"etc/containerd/config.toml":            {`registry\.k8s\.io/pause:[0-9.]+`, pause},
		"etc/systemd/system/containerd.service": {`/usr/local/bin/containerd\b`, "/usr/bin/containerd"}, // Debian's
	} {
		if err := replace(filepath.Join(root, name), change[0], change[1]); err != nil {
			return err
		}
	}
	// The host may not grant scores below its own.
	return replace(filepath.Join(root, "etc/containerd/config.toml"), "restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
}

// replace changes a file of kind's that must have what is replaced.
func replace(path, pattern, by string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	expression := regexp.MustCompile(pattern)
	if !expression.Match(text) {
		return fmt.Errorf("%s has no %s any more: is there another release of kind?", path, pattern)
	}
	return os.WriteFile(path, expression.ReplaceAllLiteral(text, []byte(by)), 0o644)
}

// copyFolder copies a folder of a Go module, which keeps no modes: what begins
// like a script can be executed.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(text), "#!") {
			mode = 0o755
		}
		path = filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, text, mode)
	})
}
