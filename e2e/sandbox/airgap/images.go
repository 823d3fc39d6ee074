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

const pathVariable = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// buildImages writes all images that a node starts to one archive.
func (b Builder) buildImages(ctx context.Context, r recipe) error {
	b.Log("building the images of the control plane")
	var names []string
	defer func() { // the archive contains them, and the user of this engine does not need them
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
			return fmt.Errorf("build image %s: %w", name, err)
		}
		names = append(names, name)
		return load(ctx, root, name, append(changes, pathVariable)...)
	}
	for _, component := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"} {
		if err := add(r.imageOf(component), b.program(r, component)); err != nil {
			return err
		}
	}
	for _, image := range []struct{ name, program string }{{r.imageOf("coredns"), "coredns"}, {pause, "pause"}} {
		if err := add(image.name, b.program(r, image.program), `ENTRYPOINT ["/usr/local/bin/`+image.program+`"]`); err != nil {
			return err
		}
	}
	if err := add(r.imageOf("kube-proxy"), b.proxy(ctx, r)); err != nil {
		return err
	}
	if err := add(BusyBox, b.busyBox(ctx), `CMD ["sh"]`); err != nil {
		return err
	}
	names = append(names, Network)
	if err := b.buildNetworkImage(ctx); err != nil {
		return fmt.Errorf("build image %s: %w", Network, err)
	}
	return run(ctx, "docker", append([]string{"save", "-o", b.archive(r)}, names...)...)
}

func (b Builder) archive(r recipe) string { return filepath.Join(b.Cache, "images-"+r.key+".tar") }

// program returns a function that writes one static program to an image.
func (b Builder) program(r recipe, name string) func(string) error {
	return func(root string) error {
		return copyFile(filepath.Join(b.programsFolder(r), name), filepath.Join(root, "usr/local/bin", name))
	}
}

// proxy returns a function that writes kube-proxy's image, which contains the programs of
// the packet filter and their libraries.
func (b Builder) proxy(ctx context.Context, r recipe) func(string) error {
	return func(root string) error {
		if err := b.program(r, "kube-proxy")(root); err != nil {
			return err
		}
		files := []string{"/usr/sbin/xtables-nft-multi", "/usr/sbin/nft", "/usr/sbin/conntrack", "/usr/sbin/ipset"}
		extensions, err := fs.Glob(os.DirFS(b.nodeRootFolder()), "usr/lib/*/xtables/*.so")
		if err != nil {
			return err
		}
		for _, name := range extensions {
			files = append(files, "/"+name)
		}
		// The extensions need their libraries too: without one, the first rule that uses the extension fails.
		libraries, err := output(exec.CommandContext(ctx, "chroot", append([]string{b.nodeRootFolder(), "ldd"}, files...)...))
		if err != nil {
			return err
		}
		for word := range strings.FieldsSeq(libraries) {
			if strings.HasPrefix(word, "/") && !strings.HasSuffix(word, ":") {
				files = append(files, word)
			}
		}
		for _, file := range files {
			if err := copyFile(filepath.Join(b.nodeRootFolder(), file), filepath.Join(root, file)); err != nil {
				return err
			}
		}
		if err := os.Mkdir(filepath.Join(root, "run"), 0o755); err != nil { // for the lock file of iptables
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

// busyBox returns a function that writes the image that pods of the tests run.
func (b Builder) busyBox(ctx context.Context) func(string) error {
	return func(root string) error {
		if err := copyFile(filepath.Join(b.nodeRootFolder(), "usr/bin/busybox"), filepath.Join(root, "bin/busybox")); err != nil {
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

// copyFile copies a file with its mode. It follows links.
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

// load creates an image of one layer from a folder.
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
