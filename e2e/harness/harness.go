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

// Variables that tell the tests what they run on. The first two, set by the user,
// are clusters that exist already: nothing is made and nothing taken away then.
const (
	EnvRemote      = "E2E_REMOTE_KUBECONFIG" // kubeconfig of the remote cluster's administrator
	EnvLocal       = "E2E_LOCAL_KUBECONFIG"  // and of the local cluster's
	EnvRemoteURL   = "E2E_REMOTE_URL"        // the remote API server as the local cluster's pods reach it
	EnvHostAddress = "E2E_HOST_ADDRESS"      // this machine as the local cluster's node reaches it
	EnvAuditLog    = "E2E_AUDIT_LOG"         // file that the remote API server logs requests to
	EnvBinDir      = "E2E_BIN_DIR"           // folder of the built programs
	EnvKubectl     = "E2E_KUBECTL"           // a kubectl that fits the clusters
	EnvPluginImage = "E2E_PLUGIN_IMAGE"      // the plugin's image, as the local cluster has it
	EnvNetwork     = "E2E_NETWORK_IMAGE"     // an image with what networks need, as both clusters have it (e2e/sandbox/airgap)
	EnvNodeImage   = "KIND_NODE_IMAGE"       // the user's choice of a node image
	EnvKeep        = "E2E_KEEP"              // 1: the clusters stay
	pluginImage    = "interlink-kubernetes-plugin:e2e"
)

// maxImage is what the plugin's image must be smaller than, in bytes.
const maxImage = 60_000_000

// Harness makes what tests need in a checkout of the project.
type Harness struct {
	Project string // its folder
	Folder  string // for kubeconfigs and logs
	Cache   string // for what takes minutes to make
	Log     func(format string, args ...any)

	provider *clusters.Provider
	ours     bool // the engine
}

// New looks for the checkout from the working folder upwards.
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
			return nil, errors.New("not in a checkout of the plugin")
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

// Lock keeps other runs of this user out until unlock: the clusters' names are the
// same in all.
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

// Up makes the clusters, side by side, and the plugin's image. Clusters that an
// earlier run has kept are used again if keep says so.
func (h *Harness) Up(ctx context.Context, keep bool) (remote, local *clusters.Cluster, err error) {
	if h.ours, err = engine.Ensure(ctx, h.Cache, h.Log); err != nil {
		return nil, nil, err
	}
	if out, _ := exec.CommandContext(ctx, "docker", "network", "inspect", "kind").CombinedOutput(); strings.Contains(string(out), "not found") {
		if err := os.WriteFile(h.networkIsOurs(), nil, 0o644); err != nil {
			return nil, nil, err
		}
	}
	image, gap, err := h.nodeImage(ctx)
	if err != nil {
		return nil, nil, err
	}
	var group errgroup.Group
	for name, cluster := range map[string]**clusters.Cluster{clusters.Remote: &remote, clusters.Local: &local} {
		group.Go(func() (err error) {
			*cluster, err = h.cluster(ctx, name, image, gap, keep)
			return err
		})
	}
	group.Go(func() error { return h.programs(ctx) })
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if !gap { // else the node image has it
		if err := h.networkImage(ctx); err != nil {
			return nil, nil, err
		}
	}
	return remote, local, h.pluginImage(ctx)
}

// networkImage builds the image of pods that make networks and puts it into both
// clusters.
func (h *Harness) networkImage(ctx context.Context) error {
	if err := h.airgap().NetworkImage(ctx); err != nil {
		return err
	}
	return h.load(ctx, airgap.Network, clusters.Remote, clusters.Local)
}

func (h *Harness) cluster(ctx context.Context, name, image string, gap, keep bool) (*clusters.Cluster, error) {
	exists, err := h.provider.Exists(name)
	if err != nil {
		return nil, err
	}
	if exists && keep {
		h.Log("using the cluster %s that was kept", name)
		return h.provider.Find(name)
	}
	if exists {
		h.Log("removing the cluster %s of an earlier run", name)
		if err := h.provider.Down(name); err != nil {
			return nil, err
		}
	}
	h.Log("making the cluster %s", name)
	c, err := h.provider.Up(ctx, name, image, gap)
	if err == nil {
		h.Log("the cluster %s is ready", name)
	}
	return c, err
}

// nodeImage is the user's, else that of the pinned release of kind, else, where no
// registry can be reached, one of this project's making.
func (h *Harness) nodeImage(ctx context.Context) (image string, gap bool, err error) {
	if image := os.Getenv(EnvNodeImage); image != "" {
		return image, strings.HasPrefix(image, airgap.Repository+":"), nil
	}
	if err := h.pull(ctx); err == nil {
		return clusters.DefaultNodeImage, false, nil
	}
	h.Log("%s cannot be pulled here, so a node image is made from Debian packages and Go modules", clusters.DefaultNodeImage)
	image, err = h.airgap().Image(ctx)
	return image, true, err
}

func (h *Harness) airgap() airgap.Builder {
	return airgap.Builder{Project: h.Project, Cache: filepath.Join(h.Cache, "airgap"), Log: h.Log}
}

func (h *Harness) pull(ctx context.Context) error {
	if exec.CommandContext(ctx, "docker", "image", "inspect", clusters.DefaultNodeImage).Run() == nil {
		return nil
	}
	return exec.CommandContext(ctx, "docker", "pull", "-q", clusters.DefaultNodeImage).Run()
}

// kubectl copies a kubectl that fits the clusters out of a node.
func (h *Harness) kubectl(ctx context.Context) (string, error) {
	path := filepath.Join(h.Folder, "kubectl")
	out, err := exec.CommandContext(ctx, "docker", "cp", clusters.Local+"-control-plane:/usr/bin/kubectl", path).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("copy kubectl out of a node: %w\n%s", err, out)
	}
	return path, nil
}

// programs builds the project's programs.
func (h *Harness) programs(ctx context.Context) error {
	return h.make(ctx, "build")
}

// pluginImage builds the plugin's image and puts it into the local cluster.
func (h *Harness) pluginImage(ctx context.Context) error {
	if err := h.make(ctx, "image", "IMAGE="+pluginImage); err != nil {
		return err
	}
	size, err := exec.CommandContext(ctx, "docker", "image", "inspect", "--format", "{{.Size}}", pluginImage).Output()
	if err != nil {
		return fmt.Errorf("the size of the plugin's image: %w", err)
	}
	if bytes, err := strconv.Atoi(strings.TrimSpace(string(size))); err != nil || bytes >= maxImage {
		return fmt.Errorf("the plugin's image has %s bytes, and may have %d", strings.TrimSpace(string(size)), maxImage)
	}
	return h.load(ctx, pluginImage, clusters.Local)
}

// load puts an image of the engine into clusters.
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

func (h *Harness) make(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "make", append([]string{"-C", h.Project}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// Down takes away what Up has made, here or in an earlier process: the clusters,
// the plugin's image, Docker's network of kind if it was not there before, and the
// engine if it is ours.
func (h *Harness) Down(ctx context.Context) error {
	found, ours, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	h.ours = ours
	if !found {
		return engine.Stop(ctx) // a dead one may have left something
	}
	var errs []error
	for _, name := range []string{clusters.Remote, clusters.Local} {
		errs = append(errs, h.provider.Down(name))
	}
	for _, image := range []string{pluginImage, airgap.Network} {
		_ = exec.CommandContext(ctx, "docker", "image", "rm", image).Run() // there may be none
	}
	errs = append(errs, h.removeNetwork(ctx))
	if h.ours {
		errs = append(errs, engine.Stop(ctx))
	}
	for _, path := range []string{filepath.Dir(clusters.AuditLog(h.Folder)), filepath.Join(h.Folder, "kubectl"), h.chainFolder()} {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// networkIsOurs is a file that says that Docker's network of kind was not there
// before. kind itself leaves it.
func (h *Harness) networkIsOurs() string { return filepath.Join(h.Folder, "network-is-ours") }

func (h *Harness) removeNetwork(ctx context.Context) error {
	if _, err := os.Stat(h.networkIsOurs()); err != nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, "docker", "network", "rm", "kind").CombinedOutput()
	gone := strings.Contains(string(out), "not found") || strings.Contains(string(out), "No such network")
	used := strings.Contains(string(out), "has active endpoints") // by a cluster of somebody else's
	if err != nil && !gone && !used {
		return fmt.Errorf("remove Docker's network kind: %w: %s", err, out)
	}
	return os.Remove(h.networkIsOurs())
}
