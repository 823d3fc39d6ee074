package tunnel

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/charts"
)

// requestTime bounds each request: Helm itself waits for ever.
const requestTime = 30 * time.Second

// cluster is the remote cluster as Helm sees it. What can be known of it is asked
// for once.
type cluster struct {
	config    *rest.Config
	client    *kubernetes.Clientset
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper
	namespace string

	mu           sync.Mutex
	capabilities *chartutil.Capabilities
}

func newCluster(config *rest.Config, namespace string) (*cluster, error) {
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = "", "" // charts may hold kinds that are known by JSON alone
	config.Timeout = requestTime
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c := &cluster{config: config, client: client, namespace: namespace}
	c.discovery = memory.NewMemCacheClient(client.Discovery())
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(c.discovery)
	return c, nil
}

// The methods that make it what Helm takes clients from.

func (c *cluster) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(c.config), nil }

func (c *cluster) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return c.discovery, nil
}

func (c *cluster) ToRESTMapper() (meta.RESTMapper, error) { return c.mapper, nil }

func (c *cluster) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	overrides := &clientcmd.ConfigOverrides{Context: clientcmdapi.Context{Namespace: c.namespace}}
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), overrides)
}

// remember keeps what a chart may ask of the cluster: Helm would find it out at
// every install.
func (c *cluster) remember(capabilities *chartutil.Capabilities) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capabilities = capabilities
}

// configuration is what one of Helm's actions works with; it is not made to be
// shared.
func (t *Tunnels) configuration() *action.Configuration {
	c := t.cluster
	log := func(format string, args ...any) {
		t.options.Log.Debug("helm", "says", t.secret.hide(fmt.Sprintf(format, args...)))
	}
	client := kube.New(c)
	client.Log, client.Namespace = log, c.namespace
	records := driver.NewSecrets(c.client.CoreV1().Secrets(c.namespace))
	records.Log = log
	c.mu.Lock()
	defer c.mu.Unlock()
	config := &action.Configuration{RESTClientGetter: c, KubeClient: client, Releases: storage.Init(withoutKey{records}), Log: log}
	config.Releases.Log = log
	if c.capabilities != nil {
		config.Capabilities = c.capabilities.Copy()
	}
	return config
}

// loadChart reads the chart at a path, or the one that ships with the plugin. Each
// install has a copy of its own, since Helm works on it.
func loadChart(at string) (*chart.Chart, error) {
	if at != "" {
		chart, err := loader.Load(at)
		if err != nil {
			return nil, fmt.Errorf("read the bastion's chart at %s: %w", at, err)
		}
		return chart, nil
	}
	var files []*loader.BufferedFile
	err := fs.WalkDir(charts.Bastion(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(charts.Bastion(), name)
		files = append(files, &loader.BufferedFile{Name: path.Clean(name), Data: bytes.Clone(text)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the bastion's chart: %w", err)
	}
	return loader.LoadFiles(files)
}
