package airgap

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// images puts everything that a node starts as a container into one archive.
func (b Builder) images(ctx context.Context, r recipe) error {
	b.Log("making the images of the control plane")
	var names []string
	defer func() { // they are in the archive, and mean nothing to this engine's user
		if len(names) > 0 {
			_ = run(context.WithoutCancel(ctx), "docker", append([]string{"image", "rm"}, names...)...)
		}
	}()
	add := func(name string, fill func(root string) error, changes ...string) error {
		root, err := os.MkdirTemp(b.Cache, "image")
		if err != nil {
			return err
		}
		defer os.RemoveAll(root) //nolint:errcheck // in the cache's folder
		if err := os.Chmod(root, 0o755); err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(root, "tmp"), 0o777|os.ModeSticky); err != nil {
			return err
		}
		if err := fill(root); err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
		names = append(names, name)
		return load(ctx, root, name, append(changes, path)...)
	}
	for _, component := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"} {
		if err := add(r.registry(component), b.program(r, component)); err != nil {
			return err
		}
	}
	for _, image := range []struct{ name, program string }{{r.registry("coredns"), "coredns"}, {pause, "pause"}} {
		if err := add(image.name, b.program(r, image.program), `ENTRYPOINT ["/usr/local/bin/`+image.program+`"]`); err != nil {
			return err
		}
	}
	if err := add(r.registry("kube-proxy"), b.proxy(ctx, r)); err != nil {
		return err
	}
	if err := add(BusyBox, b.busyBox(ctx), `CMD ["sh"]`); err != nil {
		return err
	}
	names = append(names, Network)
	if err := b.network(ctx); err != nil {
		return fmt.Errorf("image %s: %w", Network, err)
	}
	return run(ctx, "docker", append([]string{"save", "-o", b.archive(r)}, names...)...)
}

func (b Builder) archive(r recipe) string { return filepath.Join(b.Cache, "images-"+r.key+".tar") }

// program fills an image with one static program.
func (b Builder) program(r recipe, name string) func(string) error {
	return func(root string) error {
		return copyFile(filepath.Join(b.bin(r), name), filepath.Join(root, "usr/local/bin", name))
	}
}

// proxy fills kube-proxy's image: it needs the packet filter's programs, with
// their libraries.
func (b Builder) proxy(ctx context.Context, r recipe) func(string) error {
	return func(root string) error {
		if err := b.program(r, "kube-proxy")(root); err != nil {
			return err
		}
		files := []string{"/usr/sbin/xtables-nft-multi", "/usr/sbin/nft", "/usr/sbin/conntrack", "/usr/sbin/ipset"}
		extensions, err := fs.Glob(os.DirFS(b.debian()), "usr/lib/*/xtables/*.so")
		if err != nil {
			return err
		}
		for _, name := range extensions {
			files = append(files, "/"+name)
		}
		// Those of the extensions too: one that lacks its own fails when a rule first needs it.
		libraries, err := output(exec.CommandContext(ctx, "chroot", append([]string{b.debian(), "ldd"}, files...)...))
		if err != nil {
			return err
		}
		for word := range strings.FieldsSeq(libraries) {
			if strings.HasPrefix(word, "/") && !strings.HasSuffix(word, ":") {
				files = append(files, word)
			}
		}
		for _, file := range files {
			if err := copyFile(filepath.Join(b.debian(), file), filepath.Join(root, file)); err != nil {
				return err
			}
		}
		if err := os.Mkdir(filepath.Join(root, "run"), 0o755); err != nil { // iptables locks itself there
			return err
		}
		for _, name := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
			if err := os.Symlink("xtables-nft-multi", filepath.Join(root, "usr/sbin", name)); err != nil {
				return err
			}
		}
		return nil
	}
}

// busyBox fills the image that pods of the tests run.
func (b Builder) busyBox(ctx context.Context) func(string) error {
	return func(root string) error {
		if err := copyFile(filepath.Join(b.debian(), "usr/bin/busybox"), filepath.Join(root, "bin/busybox")); err != nil {
			return err
		}
		if err := run(ctx, "chroot", root, "/bin/busybox", "--install", "-s", "/bin"); err != nil {
			return err
		}
		for name, text := range map[string]string{"passwd": "root:x:0:0:root:/root:/bin/sh\n", "group": "root:x:0:\n"} {
			if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
				return err
			}
		}
		return os.Mkdir(filepath.Join(root, "root"), 0o700)
	}
}

// copyFile copies a file, or what a link leads to, with its mode.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, info.Mode().Perm())
}

// load makes a folder an image of one layer.
func load(ctx context.Context, root, name string, changes ...string) error {
	args := []string{"import"}
	for _, change := range changes {
		args = append(args, "-c", change)
	}
	archive := exec.CommandContext(ctx, "tar", "-C", root, "--numeric-owner", "-c", ".")
	docker := exec.CommandContext(ctx, "docker", append(args, "-", name)...)
	pipe, err := archive.StdoutPipe()
	if err != nil {
		return err
	}
	docker.Stdin = pipe
	if err := archive.Start(); err != nil {
		return err
	}
	_, err = output(docker)
	if ended := archive.Wait(); err == nil && ended != nil {
		err = fmt.Errorf("%s: %w", archive, ended)
	}
	return err
}
