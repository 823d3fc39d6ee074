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

// importImages imports the archive of images into the container runtime of the node.
const importImages = `containerd >/tmp/log 2>&1 & runtime=$!
for try in 1 2 3 4 5 6 7 8 9 10; do ctr version >/dev/null 2>&1 && break; sleep 1; done
ctr -n k8s.io images import --no-unpack - >/dev/null || { cat /tmp/log >&2; exit 1; }
kill $runtime; wait $runtime || true; rm -f /tmp/log`

// buildNode builds the node image: a Debian file system, over it the files of kind and of
// this package, and the images of the control plane in the container runtime.
func (b Builder) buildNode(ctx context.Context, r recipe) error {
	b.Log("building the node image")
	base := debianRepository + ":" + r.key
	if err := load(ctx, b.nodeRootFolder(), base); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(b.Cache, "node")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // in the cache's folder
	if err := b.writeNodeFiles(r, filepath.Join(folder, "root")); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(r.dir, "node", "Dockerfile"), filepath.Join(folder, "Dockerfile")); err != nil {
		return err
	}
	files := base + "-files"
	build := exec.CommandContext(ctx, "docker", "build", "-q", "--force-rm", "--network", "none", "--build-arg", "BASE="+base, "-t", files, folder)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0") // BuildKit may not be installed
	if _, err := output(build); err != nil {
		return err
	}
	container, err := output(exec.CommandContext(ctx, "docker", "create", "-i", "--privileged", "--network", "none",
		"--entrypoint", "sh", files, "-c", importImages))
	if err != nil {
		return err
	}
	defer run(context.WithoutCancel(ctx), "docker", "rm", "-f", "-v", container) //nolint:errcheck // nothing can be done about it
	archive, err := os.Open(b.archive(r))
	if err != nil {
		return err
	}
	defer archive.Close() //nolint:errcheck // it is only read
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

// writeNodeFiles writes the files over the Debian file system to a folder.
func (b Builder) writeNodeFiles(r recipe, root string) error {
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
		"containerd": "usr/local/bin", "containerd-shim-runc-v2": "usr/local/bin", "ctr": "usr/local/bin", // as in kind's own images
		"runc-shim": "usr/local/sbin/runc", // runs before runc
	} {
		path := filepath.Join(root, to)
		if name != "runc-shim" {
			path = filepath.Join(path, name)
		}
		if err := copyFile(filepath.Join(b.programsFolder(r), name), path); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "kind", "version"), []byte(r.kubernetes), 0o644); err != nil {
		return err
	}
	if err := replace(filepath.Join(root, "etc/containerd/config.toml"), `registry\.k8s\.io/pause:[0-9.]+`, pause); err != nil {
		return err
	}
	// The host may not allow out-of-memory scores lower than its own.
	return replace(filepath.Join(root, "etc/containerd/config.toml"), "restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
}

// replace replaces text in a file of kind. It fails if the text is missing.
func replace(path, pattern, by string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	expression := regexp.MustCompile(pattern)
	if !expression.Match(text) {
		return fmt.Errorf("%s does not contain %s: the release of kind may have changed", path, pattern)
	}
	return os.WriteFile(path, expression.ReplaceAllLiteral(text, []byte(by)), 0o644)
}

// copyFolder copies a folder of a Go module. Modules do not keep file modes, so a file
// that begins like a script becomes executable.
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
