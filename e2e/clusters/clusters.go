package clusters

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/apis/config/defaults"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	kindlog "sigs.k8s.io/kind/pkg/log"
	"sigs.k8s.io/yaml"
)

// DefaultNodeImage is the node image of this release of kind.
const DefaultNodeImage = defaults.Image

// Provider creates clusters, with their kubeconfigs and the audit log in Folder.
type Provider struct {
	Folder string
	Log    func(format string, args ...any)
	kind   *cluster.Provider
}

// NewProvider returns a Provider that uses the engine of the docker command.
func NewProvider(folder string, log func(format string, args ...any)) *Provider {
	return &Provider{Folder: folder, Log: log, kind: cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(kindlog.NoopLogger{}))}
}

// Cluster is a cluster that is ready.
type Cluster struct {
	Name       string
	Kubeconfig string // a file with an administrator's access from this machine
	Internal   string // URL of its API server in Docker's network
}

// Exists reports whether a cluster of this name exists, ready or not.
func (p *Provider) Exists(name string) (bool, error) {
	names, err := p.kind.List()
	return slices.Contains(names, name), err
}

// Up creates a cluster and waits until its node is ready. If ctx ends before that, Up
// deletes what it created.
func (p *Provider) Up(ctx context.Context, name, image string, airgap bool) (*Cluster, error) {
	audit := filepath.Dir(AuditLog(p.Folder))
	if err := os.MkdirAll(audit, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(audit, "policy.yaml"), []byte(auditPolicy), 0o644); err != nil {
		return nil, err
	}
	var failed error
	created := make(chan struct{})
	go func() {
		defer close(created)
		failed = p.kind.Create(name,
			cluster.CreateWithV1Alpha4Config(config(name, p.Folder, airgap)),
			cluster.CreateWithNodeImage(image),
			cluster.CreateWithKubeconfigPath(Kubeconfig(p.Folder, name)),
			cluster.CreateWithRetain(true), // keep a failed node for its logs; Down deletes it
			cluster.CreateWithDisplayUsage(false),
			cluster.CreateWithDisplaySalutation(false),
		)
	}()
	select {
	case <-created:
		if failed != nil {
			return nil, fmt.Errorf("create the kind cluster %s: %w", name, failed)
		}
	case <-ctx.Done():
		// kind has no way to cancel, but it ends when its containers are deleted.
		for {
			err := p.Down(name)
			select {
			case <-created:
				return nil, errors.Join(ctx.Err(), err, p.Down(name))
			case <-time.After(time.Second):
			}
		}
	}
	c, err := p.Find(name)
	if err == nil {
		p.Log("waiting for the node of %s and its pod network", name)
		err = ready(ctx, c.Kubeconfig)
	}
	return c, err
}

// ready waits until all nodes are ready. kind can do that too, but not end with ctx.
func ready(ctx context.Context, kubeconfig string) error {
	client, err := connect(kubeconfig)
	if err != nil {
		return err
	}
	last := errors.New("there is no node")
	err = wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, 10*time.Minute, true, func(ctx context.Context) (bool, error) {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			last = err
			return false, nil // the API server may not have started yet
		}
		for _, node := range nodes.Items {
			if !slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
				return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
			}) {
				last = fmt.Errorf("node %s is not ready", node.Name)
				return false, nil
			}
		}
		return len(nodes.Items) > 0, nil
	})
	if err != nil {
		return fmt.Errorf("wait until the nodes are ready: %w: %w", err, last)
	}
	return nil
}

func connect(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// Find returns a cluster that exists.
func (p *Provider) Find(name string) (*Cluster, error) {
	c := &Cluster{Name: name, Kubeconfig: Kubeconfig(p.Folder, name)}
	if err := p.kind.ExportKubeConfig(name, c.Kubeconfig, false); err != nil {
		return nil, fmt.Errorf("get the kubeconfig of %s: %w", name, err)
	}
	nodes, err := p.kind.ListInternalNodes(name)
	if err == nil && len(nodes) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("find a node of %s: %w", name, err)
	}
	ipv4, _, err := nodes[0].IP()
	if err != nil {
		return nil, fmt.Errorf("get the address of %s: %w", name, err)
	}
	c.Internal = "https://" + ipv4 + ":6443"
	_, err = clientcmd.LoadFromFile(c.Kubeconfig)
	return c, err
}

// Down deletes a cluster and its kubeconfig, if they exist.
func (p *Provider) Down(name string) error {
	if err := p.kind.Delete(name, Kubeconfig(p.Folder, name)); err != nil {
		return fmt.Errorf("delete the kind cluster %s: %w", name, err)
	}
	for _, suffix := range []string{"", ".lock"} {
		if err := os.Remove(Kubeconfig(p.Folder, name) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Load loads an archive of images, as docker save writes it, into all nodes of a cluster.
func (p *Provider) Load(name, archive string) error {
	nodes, err := p.kind.ListInternalNodes(name)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		file, err := os.Open(archive)
		if err != nil {
			return err
		}
		err = nodeutils.LoadImageArchive(node, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("load images into %s: %w", node, err)
		}
	}
	return nil
}

// Export writes the logs of a cluster's nodes and pods, its events and its pods to a
// folder.
func (p *Provider) Export(ctx context.Context, name, folder string) error {
	errs := []error{p.kind.CollectLogs(name, folder), os.MkdirAll(folder, 0o755)}
	client, err := connect(Kubeconfig(p.Folder, name))
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	events, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	errs = append(errs, err, write(filepath.Join(folder, "events.yaml"), events))
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	errs = append(errs, err, write(filepath.Join(folder, "pods.yaml"), pods))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("export the logs of %s: %w", name, err)
	}
	return nil
}

func write(path string, objects any) error {
	text, err := yaml.Marshal(objects)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600) // variables of pods contain Secrets
}
