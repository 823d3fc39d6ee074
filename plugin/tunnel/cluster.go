package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/flowcontrol"
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

// newCluster returns a cluster whose clients, of which Helm makes several for each
// release, share their connections and the limit of requests. The API server's
// warnings are for warn.
func newCluster(config *rest.Config, namespace string, warn rest.WarningHandlerWithContext) (*cluster, error) {
	transport, err := rest.TransportFor(config) // with the credentials
	if err != nil {
		return nil, err
	}
	host, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	config = &rest.Config{ // without content types: charts may hold kinds that are known by JSON alone
		Host: host.String(), APIPath: config.APIPath, Transport: transport, Timeout: requestTime, UserAgent: config.UserAgent,
		QPS: config.QPS, Burst: config.Burst, RateLimiter: config.RateLimiter, WarningHandlerWithContext: warn,
	}
	if config.RateLimiter == nil && config.QPS > 0 {
		config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(config.QPS, max(config.Burst, 1))
	}
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
type configuration struct {
	action.Configuration
	records *records
	objects *objects
}

func (t *Tunnels) configuration() *configuration {
	c := t.cluster
	log := func(format string, args ...any) {
		t.options.Log.Debug("helm", "says", t.secret.hide(fmt.Sprintf(format, args...)))
	}
	r := &records{SecretInterface: c.client.CoreV1().Secrets(c.namespace), known: map[string]metav1.ObjectMeta{}}
	o := &objects{Client: kube.New(c), records: r}
	o.Log, o.Namespace = log, c.namespace
	store := driver.NewSecrets(r)
	store.Log = log
	config := &configuration{records: r, objects: o, Configuration: action.Configuration{
		RESTClientGetter: c, KubeClient: o, Releases: storage.Init(withoutKey{store, t.secret}), Log: log,
		HookOutputFunc: func(_, _, _ string) io.Writer { return io.Discard },
	}}
	config.Releases.Log = log
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.capabilities != nil {
		config.Capabilities = c.capabilities.Copy()
	}
	return config
}

// objects are those of releases.
type objects struct {
	*kube.Client
	records *records
	failed  error // why some could not be deleted, which Helm tells its log only
}

// DeleteWithPropagationPolicy is how Helm uninstalls. It deletes nothing unless the
// record says that the release is being uninstalled: Helm would go on.
func (o *objects) DeleteWithPropagationPolicy(list kube.ResourceList, policy metav1.DeletionPropagation) (*kube.Result, []error) {
	if err := o.records.failed; err != nil {
		return nil, []error{err}
	}
	result, errs := o.Client.DeleteWithPropagationPolicy(list, policy)
	o.failed = errors.Join(errs...)
	return result, errs
}

// Update is how Helm takes over objects of the release's name that no record tells
// of. Rights to change them are not asked for: where they differ it fails, the undo
// takes them away by the new record, and another try makes them.
func (o *objects) Update(original, target kube.ResourceList, force bool) (*kube.Result, error) {
	result, err := o.Client.Update(original, target, force)
	if err != nil {
		err = fmt.Errorf("%w: %w", errLeftOver, err)
	}
	return result, err
}

// warnings are what the API server warns of; they go to the log.
type warnings struct{ tunnels *Tunnels }

// HandleWarningHeaderWithContext is client-go's; 299 is the one code in use.
func (w warnings) HandleWarningHeaderWithContext(_ context.Context, code int, _, text string) {
	if code == 299 && text != "" {
		w.tunnels.options.Log.Debug("remote API server warns", "says", w.tunnels.secret.hide(text))
	}
}
