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

// DefaultNodeImage is the one that this release of kind was made for.
const DefaultNodeImage = defaults.Image

// Provider makes clusters, with their kubeconfigs and the audit log in Folder.
type Provider struct {
	Folder string
	Log    func(format string, args ...any)
	kind   *cluster.Provider
}

// NewProvider uses the engine that the docker command is set to.
func NewProvider(folder string, log func(format string, args ...any)) *Provider {
	return &Provider{Folder: folder, Log: log, kind: cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(kindlog.NoopLogger{}))}
}

// Cluster is one that can be used.
type Cluster struct {
	Name       string
	Kubeconfig string // of its administrator, for this machine
	Internal   string // URL of its API server for what runs in Docker's network
}

// Exists says whether there is a cluster of a name, usable or not.
func (p *Provider) Exists(name string) (bool, error) {
	names, err := p.kind.List()
	return slices.Contains(names, name), err
}

// Up makes a cluster and waits until its node is ready. When ctx ends meanwhile,
// what has been made is taken away again.
func (p *Provider) Up(ctx context.Context, name, image string, airgap bool) (*Cluster, error) {
	audit := filepath.Dir(AuditLog(p.Folder))
	if err := os.MkdirAll(audit, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(audit, "policy.yaml"), []byte(auditPolicy), 0o644); err != nil {
		return nil, err
	}
	var failed error
	made := make(chan struct{})
	go func() {
		defer close(made)
		failed = p.kind.Create(name,
			cluster.CreateWithV1Alpha4Config(config(name, p.Folder, airgap)),
			cluster.CreateWithNodeImage(image),
			cluster.CreateWithKubeconfigPath(Kubeconfig(p.Folder, name)),
			cluster.CreateWithRetain(true), // its logs say why it failed; Down removes it
			cluster.CreateWithDisplayUsage(false),
			cluster.CreateWithDisplaySalutation(false),
		)
	}()
	select {
	case <-made:
		if failed != nil {
			return nil, fmt.Errorf("make the kind cluster %s: %w", name, failed)
		}
	case <-ctx.Done():
		// kind cannot be told to stop, but ends when its containers are gone.
		for {
			err := p.Down(name)
			select {
			case <-made:
				return nil, errors.Join(ctx.Err(), err, p.Down(name))
			case <-time.After(time.Second):
			}
		}
	}
	c, err := p.Find(name)
	if err == nil {
		p.Log("waiting for the node of %s: pod networks and nodes take some seconds", name)
		err = ready(ctx, c.Kubeconfig)
	}
	return c, err
}

// ready waits until every node is. kind would too, but not end when ctx does.
func ready(ctx context.Context, kubeconfig string) error {
	client, err := connect(kubeconfig)
	if err != nil {
		return err
	}
	last := errors.New("no node")
	err = wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			last = err
			return false, nil // the API server may still be coming up
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
		return fmt.Errorf("wait for nodes: %w: %w", err, last)
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

// Find returns a cluster that was made before.
func (p *Provider) Find(name string) (*Cluster, error) {
	c := &Cluster{Name: name, Kubeconfig: Kubeconfig(p.Folder, name)}
	if err := p.kind.ExportKubeConfig(name, c.Kubeconfig, false); err != nil {
		return nil, fmt.Errorf("kubeconfig of %s: %w", name, err)
	}
	nodes, err := p.kind.ListInternalNodes(name)
	if err != nil || len(nodes) == 0 {
		return nil, fmt.Errorf("no node of %s: %w", name, err)
	}
	ipv4, _, err := nodes[0].IP()
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", name, err)
	}
	c.Internal = "https://" + ipv4 + ":6443"
	_, err = clientcmd.LoadFromFile(c.Kubeconfig)
	return c, err
}

// Down takes a cluster away, with its kubeconfig; none is no error.
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

// Load puts an archive of images, as docker save writes it, into every node of a
// cluster.
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

// Export writes the logs of a cluster's nodes and pods into a folder, and the
// events and pods that its API server knows.
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
		return fmt.Errorf("logs of %s: %w", name, err)
	}
	return nil
}

func write(path string, objects any) error {
	text, err := yaml.Marshal(objects)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600) // pods have Secrets in their variables
}
