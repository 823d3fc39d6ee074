package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/clusters"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/airgap"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine"
)

// Environment variables of the tests. If the user sets the first two, they name clusters
// that exist already; then no cluster is created or deleted.
const (
	EnvRemote      = "E2E_REMOTE_KUBECONFIG" // kubeconfig of the remote cluster's administrator
	EnvLocal       = "E2E_LOCAL_KUBECONFIG"  // and of the local cluster's
	EnvRemoteURL   = "E2E_REMOTE_URL"        // URL of the remote API server for pods of the local cluster
	EnvHostAddress = "E2E_HOST_ADDRESS"      // address of this machine for the local cluster's node
	EnvAuditLog    = "E2E_AUDIT_LOG"         // audit log of the remote API server
	EnvBinDir      = "E2E_BIN_DIR"           // folder of the built programs
	EnvKubectl     = "E2E_KUBECTL"           // a kubectl of the clusters' version
	EnvPluginImage = "E2E_PLUGIN_IMAGE"      // the plugin's image in the local cluster
	EnvNetwork     = "E2E_NETWORK_IMAGE"     // an image in both clusters with the programs that networks need (e2e/sandbox/airgap)
	EnvNodeImage   = "KIND_NODE_IMAGE"       // a node image that the user chooses
	EnvKeep        = "E2E_KEEP"              // 1: keep the clusters
	pluginImage    = "interlink-kubernetes-plugin:e2e"
)

// maxImageSize limits the size of the plugin's image, in bytes.
const maxImageSize = 75_000_000

// Harness creates what the tests need, in a checkout of the project.
type Harness struct {
	Project string // folder of the checkout
	Folder  string // folder for kubeconfigs and logs
	Cache   string // folder for what takes minutes to build
	Log     func(format string, args ...any)

	provider  *clusters.Provider
	ownEngine bool // Up started the engine
}

// New searches for the checkout in the working folder and its parents.
func New(log func(format string, args ...any)) (*Harness, error) {
	project, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; project = filepath.Dir(project) {
		if _, err := os.Stat(filepath.Join(project, "e2e", "sandbox", "airgap", "kubernetes", "go.mod")); err == nil {
			break
		}
		if project == filepath.Dir(project) {
			return nil, errors.New("the working folder is not in a checkout of the plugin")
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(project, "bin", "e2e")
	return &Harness{
		Project: project, Folder: folder, Cache: filepath.Join(cache, "interlink-kubernetes-plugin"), Log: log,
		provider: clusters.NewProvider(folder, log),
	}, os.MkdirAll(folder, 0o755)
}

// Lock prevents other runs of this user until unlock, because all runs use the same
// names for their clusters.
func (h *Harness) Lock() (unlock func(), err error) {
	path := filepath.Join(h.Cache, "e2e.lock")
	if err := os.MkdirAll(h.Cache, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another run uses the clusters (lock on %s): %w", path, err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}

// Up creates the clusters, in parallel, and the plugin's image. With keep it uses clusters
// that an earlier run kept.
func (h *Harness) Up(ctx context.Context, keep bool) (remote, local *clusters.Cluster, err error) {
	if h.ownEngine, err = engine.Ensure(ctx, h.Cache, h.Log); err != nil {
		return nil, nil, err
	}
	if out, _ := exec.CommandContext(ctx, "docker", "network", "inspect", "kind").CombinedOutput(); strings.Contains(string(out), "not found") {
		if err := os.WriteFile(h.createdNetworkFile(), nil, 0o644); err != nil {
			return nil, nil, err
		}
	}
	image, airgapped, err := h.nodeImage(ctx)
	if err != nil {
		return nil, nil, err
	}
	var group errgroup.Group
	for name, cluster := range map[string]**clusters.Cluster{clusters.Remote: &remote, clusters.Local: &local} {
		group.Go(func() (err error) {
			*cluster, err = h.cluster(ctx, name, image, airgapped, keep)
			return err
		})
	}
	group.Go(func() error { return h.programs(ctx) })
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if !airgapped { // else the node image contains it
		if err := h.networkImage(ctx); err != nil {
			return nil, nil, err
		}
	}
	return remote, local, h.pluginImage(ctx)
}

// networkImage builds the image with the programs that networks need, and loads it into
// both clusters.
func (h *Harness) networkImage(ctx context.Context) error {
	if err := h.airgap().NetworkImage(ctx); err != nil {
		return err
	}
	return h.load(ctx, airgap.Network, clusters.Remote, clusters.Local)
}

// cluster creates a cluster, or finds one that was kept.
func (h *Harness) cluster(ctx context.Context, name, image string, airgapped, keep bool) (*clusters.Cluster, error) {
	exists, err := h.provider.Exists(name)
	if err != nil {
		return nil, err
	}
	if exists && keep {
		h.Log("using the cluster %s that was kept", name)
		return h.provider.Find(name)
	}
	if exists {
		h.Log("deleting the cluster %s of an earlier run", name)
		if err := h.provider.Down(name); err != nil {
			return nil, err
		}
	}
	h.Log("creating the cluster %s", name)
	c, err := h.provider.Up(ctx, name, image, airgapped)
	if err == nil {
		h.Log("the cluster %s is ready", name)
	}
	return c, err
}

// nodeImage returns the node image that the user chose, or that of the pinned release of
// kind, or, if no registry can be reached, an image that it builds (airgapped).
func (h *Harness) nodeImage(ctx context.Context) (image string, airgapped bool, err error) {
	if image := os.Getenv(EnvNodeImage); image != "" {
		return image, strings.HasPrefix(image, airgap.Repository+":"), nil
	}
	if err := h.pull(ctx); err == nil {
		return clusters.DefaultNodeImage, false, nil
	}
	h.Log("%s cannot be pulled: a node image is built from Debian packages and Go modules", clusters.DefaultNodeImage)
	image, err = h.airgap().Image(ctx)
	return image, true, err
}

func (h *Harness) airgap() airgap.Builder {
	return airgap.Builder{Project: h.Project, Cache: filepath.Join(h.Cache, "airgap"), Log: h.Log}
}

// pull pulls kind's node image unless the engine has it.
func (h *Harness) pull(ctx context.Context) error {
	if exec.CommandContext(ctx, "docker", "image", "inspect", clusters.DefaultNodeImage).Run() == nil {
		return nil
	}
	return exec.CommandContext(ctx, "docker", "pull", "-q", clusters.DefaultNodeImage).Run()
}

// kubectl copies kubectl from a node, so that it has the version of the clusters.
func (h *Harness) kubectl(ctx context.Context) (string, error) {
	path := filepath.Join(h.Folder, "kubectl")
	out, err := exec.CommandContext(ctx, "docker", "cp", clusters.Local+"-control-plane:/usr/bin/kubectl", path).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("copy kubectl from a node: %w\n%s", err, out)
	}
	return path, nil
}

// programs builds the project's programs.
func (h *Harness) programs(ctx context.Context) error {
	return h.make(ctx, "build")
}

// pluginImage builds the plugin's image and loads it into the local cluster.
func (h *Harness) pluginImage(ctx context.Context) error {
	if err := h.make(ctx, "image", "IMAGE="+pluginImage); err != nil {
		return err
	}
	size, err := exec.CommandContext(ctx, "docker", "image", "inspect", "--format", "{{.Size}}", pluginImage).Output()
	if err != nil {
		return fmt.Errorf("get the size of the plugin's image: %w", err)
	}
	if bytes, err := strconv.Atoi(strings.TrimSpace(string(size))); err != nil || bytes >= maxImageSize {
		return fmt.Errorf("the plugin's image has %s bytes, but must have fewer than %d", strings.TrimSpace(string(size)), maxImageSize)
	}
	return h.load(ctx, pluginImage, clusters.Local)
}

// load loads an image of the engine into clusters.
func (h *Harness) load(ctx context.Context, image string, names ...string) error {
	archive := filepath.Join(h.Folder, "image.tar")
	defer os.Remove(archive) //nolint:errcheck // in the run's folder
	if out, err := exec.CommandContext(ctx, "docker", "save", "-o", archive, image).CombinedOutput(); err != nil {
		return fmt.Errorf("save image %s: %w\n%s", image, err, out)
	}
	for _, name := range names {
		if err := h.provider.Load(name, archive); err != nil {
			return err
		}
	}
	return nil
}

// make builds targets of the Makefile.
func (h *Harness) make(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "make", append([]string{"-C", h.Project}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// Down deletes what Up created, in this process or an earlier one: the clusters, the
// plugin's image, Docker's network "kind" unless it existed before, and the engine if Up
// started it.
func (h *Harness) Down(ctx context.Context) error {
	found, own, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	h.ownEngine = own
	if !found {
		return engine.Stop(ctx) // an engine that was killed may have left files and rules
	}
	var errs []error
	for _, name := range []string{clusters.Remote, clusters.Local} {
		errs = append(errs, h.provider.Down(name))
	}
	for _, image := range []string{pluginImage, airgap.Network} {
		_ = exec.CommandContext(ctx, "docker", "image", "rm", image).Run() // it may not exist
	}
	errs = append(errs, h.removeNetwork(ctx))
	if h.ownEngine {
		errs = append(errs, engine.Stop(ctx))
	}
	for _, path := range []string{filepath.Dir(clusters.AuditLog(h.Folder)), filepath.Join(h.Folder, "kubectl"), h.chainFolder()} {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// createdNetworkFile exists if Docker's network "kind" did not exist before. kind itself
// does not delete the network.
func (h *Harness) createdNetworkFile() string { return filepath.Join(h.Folder, "created-network") }

// removeNetwork deletes Docker's network "kind" if Up created it.
func (h *Harness) removeNetwork(ctx context.Context) error {
	if _, err := os.Stat(h.createdNetworkFile()); err != nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, "docker", "network", "rm", "kind").CombinedOutput()
	deleted := strings.Contains(string(out), "not found") || strings.Contains(string(out), "No such network")
	used := strings.Contains(string(out), "has active endpoints") // by a cluster of another user of kind
	if err != nil && !deleted && !used {
		return fmt.Errorf("delete Docker's network kind: %w: %s", err, out)
	}
	return os.Remove(h.createdNetworkFile())
}
