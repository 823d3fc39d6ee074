package airgap

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Network is the image with the programs that both ends of a mesh and of a tunnel need,
// so that they download nothing.
const Network = "docker.io/interlink-e2e/network:1"

// networkPackages are the Debian packages of the image, in addition to the required ones.
var networkPackages = []string{
	"busybox-static", "curl", "dnsmasq-base", "iproute2", "iptables", "iputils-ping",
	"openssh-client", "openssh-server", "wireguard-go", "wireguard-tools",
}

// NetworkImage builds the image Network, for clusters whose node image was not built by
// this package and so does not contain it.
func (b Builder) NetworkImage(ctx context.Context) error {
	unlock, err := b.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := b.installDebootstrap(ctx); err != nil {
		return err
	}
	return b.buildNetworkImage(ctx)
}

// buildNetworkImage builds the image Network in the engine.
func (b Builder) buildNetworkImage(ctx context.Context) error {
	root := b.rootFolder(networkPackages)
	if err := b.debootstrap(ctx, root, networkPackages); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "-C", b.Project, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", filepath.Join(root, "usr/local/bin/wstunnel"), "./e2e/sandbox/wstunnel")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(build); err != nil {
		return err
	}
	// Each pod creates its own keys: all users of an image know the keys in it.
	keys, err := filepath.Glob(filepath.Join(root, "etc/ssh/ssh_host_*"))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := os.Remove(key); err != nil {
			return err
		}
	}
	return load(ctx, root, Network, pathVariable, `CMD ["sh"]`)
}

// rootFolder returns the folder of a Debian file system with some packages.
func (b Builder) rootFolder(packages []string) string {
	return filepath.Join(b.Cache, debian+"-"+key(strings.Join(packages, " ")))
}
