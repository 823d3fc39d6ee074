package airgap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine"
)

const buildFlags = "-trimpath -buildvcs=false"

func (b Builder) bin(r recipe) string { return filepath.Join(b.Cache, "programs-"+r.programs) }

// programs builds what the nested modules name as tools.
func (b Builder) programs(ctx context.Context, r recipe) error {
	if _, err := os.Stat(b.bin(r)); err == nil {
		return nil
	}
	fresh := b.bin(r) + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o755); err != nil {
		return err
	}
	const version = "k8s.io/component-base/version"
	minor := strings.Split(r.kubernetes, ".")[1]
	flags := fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=1 -X %[1]s.gitMinor=%[3]s", version, r.kubernetes, minor)
	for _, module := range []string{"coredns", "kubernetes"} {
		b.Log("building %s from Go modules", module)
		args := append([]string{"-C", filepath.Join(r.dir, module), "build"}, strings.Fields(buildFlags)...)
		cmd := exec.CommandContext(ctx, "go", append(args, "-ldflags", flags, "-o", fresh+"/", "tool")...)
		// The flags of whoever runs the tests (-race, -mod...) are not meant for this build.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(fresh, "server"), filepath.Join(fresh, "etcd")); err != nil {
		return err // the last word of its import path but the version
	}
	cmd := exec.CommandContext(ctx, "go", "-C", b.Project, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", filepath.Join(fresh, "pause"), "./e2e/sandbox/airgap/pause")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(cmd); err != nil {
		return err
	}
	if _, err := engine.Shim(ctx, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, b.bin(r))
}

// nodeRoot makes the node's Debian, which outlives changes of all else.
func (b Builder) nodeRoot(ctx context.Context, _ recipe) error {
	return b.debootstrap(ctx, b.debian(), packages)
}

// debootstrap makes a Debian with some packages in a folder, unless it is there.
func (b Builder) debootstrap(ctx context.Context, folder string, packages []string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	b.Log("making a Debian %s with %d packages", debian, len(packages))
	fresh := folder + ".new"
	for _, mount := range []string{"proc", "sys"} { // what a killed run left
		_ = syscall.Unmount(filepath.Join(fresh, mount), 0)
	}
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	args := []string{"--variant=minbase", "--include=" + strings.Join(packages, ","), debian, fresh}
	if mirror := mirror(); mirror != "" {
		args = append(args, mirror)
	}
	if err := run(ctx, "debootstrap", args...); err != nil {
		return err
	}
	// The lists and archives of packages are a third of it.
	for _, folder := range []string{"var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"} {
		if err := os.RemoveAll(filepath.Join(fresh, folder)); err != nil {
			return err
		}
	}
	return os.Rename(fresh, folder)
}

func (b Builder) debian() string { return b.root(packages) }

// mirror is where this machine gets its packages from; "" if it is no Debian.
func mirror() string {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, file := range append(files, "/etc/apt/sources.list") {
		text, _ := os.ReadFile(file)
		for word := range strings.FieldsSeq(string(text)) {
			if strings.HasPrefix(word, "http") && strings.HasSuffix(strings.TrimSuffix(word, "/"), "/debian") {
				return word
			}
		}
	}
	return ""
}
