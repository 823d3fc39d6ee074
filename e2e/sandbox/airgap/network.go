package airgap

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Network is the image of pods that make networks: it has what a mesh and a tunnel
// need, at both ends, so that nothing is fetched.
const Network = "docker.io/interlink-e2e/network:1"

// networkPackages of Debian that it has beside the required ones.
var networkPackages = []string{
	"busybox-static", "curl", "dnsmasq-base", "iproute2", "iptables", "iputils-ping",
	"openssh-client", "openssh-server", "wireguard-go", "wireguard-tools",
}

// NetworkImage makes the image of pods that make networks, where the node image is
// not of this package's making and so has it not.
func (b Builder) NetworkImage(ctx context.Context) error {
	unlock, err := b.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := b.canMakeDebian(ctx); err != nil {
		return err
	}
	return b.network(ctx)
}

// network puts the image into the engine.
func (b Builder) network(ctx context.Context) error {
	root := b.root(networkPackages)
	if err := b.debootstrap(ctx, root, networkPackages); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "-C", b.Project, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", filepath.Join(root, "usr/local/bin/wstunnel"), "./e2e/sandbox/wstunnel")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(build); err != nil {
		return err
	}
	// Each pod makes its own: a key in an image is everybody's.
	keys, err := filepath.Glob(filepath.Join(root, "etc/ssh/ssh_host_*"))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := os.Remove(key); err != nil {
			return err
		}
	}
	return load(ctx, root, Network, path, `CMD ["sh"]`)
}

func (b Builder) root(packages []string) string {
	return filepath.Join(b.Cache, debian+"-"+key(strings.Join(packages, " ")))
}
