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

func (b Builder) programsFolder(r recipe) string {
	return filepath.Join(b.Cache, "programs-"+r.programs)
}

// buildPrograms builds the tools of the nested modules.
func (b Builder) buildPrograms(ctx context.Context, r recipe) error {
	if _, err := os.Stat(b.programsFolder(r)); err == nil {
		return nil
	}
	fresh := b.programsFolder(r) + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o755); err != nil {
		return err
	}
	const version = "k8s.io/component-base/version"
	minor := strings.Split(r.kubernetes, ".")[1]
	flags := fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=1 -X %[1]s.gitMinor=%[3]s", version, r.kubernetes, minor)
	for _, module := range []string{"containerd", "coredns", "kubernetes"} {
		b.Log("building %s from Go modules", module)
		args := append([]string{"-C", filepath.Join(r.dir, module), "build"}, strings.Fields(buildFlags)...)
		cmd := exec.CommandContext(ctx, "go", append(args, "-ldflags", flags, "-o", fresh+"/", "tool")...)
		// The user's GOFLAGS (-race, -mod...) must not change this build.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(fresh, "server"), filepath.Join(fresh, "etcd")); err != nil {
		return err // its program has the name of the last folder of its import path
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
	return os.Rename(fresh, b.programsFolder(r))
}

// nodeRoot creates the Debian file system of the node, which depends on nothing else.
func (b Builder) nodeRoot(ctx context.Context, _ recipe) error {
	return b.debootstrap(ctx, b.nodeRootFolder(), packages)
}

// debootstrap creates a Debian file system with some packages in a folder, unless the
// folder exists.
func (b Builder) debootstrap(ctx context.Context, folder string, packages []string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	b.Log("creating a Debian %s file system with %d packages", debian, len(packages))
	fresh := folder + ".new"
	for _, mount := range []string{"proc", "sys"} { // mounts of a killed run
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
	// The lists and archives of packages would be a third of the image.
	for _, folder := range []string{"var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"} {
		if err := os.RemoveAll(filepath.Join(fresh, folder)); err != nil {
			return err
		}
	}
	return os.Rename(fresh, folder)
}

func (b Builder) nodeRootFolder() string { return b.rootFolder(packages) }

// mirror returns the URL of this machine's Debian packages, or "" if the machine does not
// run Debian.
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
