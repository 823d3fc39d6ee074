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

// requestTimeout limits each request. Helm itself has no limit.
const requestTimeout = 30 * time.Second

// helmCluster gives Helm its clients of the remote cluster. It asks the cluster for its
// API groups and its version only once.
type helmCluster struct {
	config    *rest.Config
	client    *kubernetes.Clientset
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper
	namespace string

	mu           sync.Mutex
	capabilities *chartutil.Capabilities
}

// newHelmCluster returns a helmCluster. Helm creates several clients for each release;
// they share their connections and the rate limit. warn receives the warnings of the
// API server.
func newHelmCluster(config *rest.Config, namespace string, warn rest.WarningHandlerWithContext) (*helmCluster, error) {
	transport, err := rest.TransportFor(config) // with the credentials
	if err != nil {
		return nil, err
	}
	host, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	config = &rest.Config{ // without content types, because some kinds in charts are available as JSON only
		Host: host.String(), APIPath: config.APIPath, Transport: transport, Timeout: requestTimeout, UserAgent: config.UserAgent,
		QPS: config.QPS, Burst: config.Burst, RateLimiter: config.RateLimiter, WarningHandlerWithContext: warn,
	}
	if config.RateLimiter == nil && config.QPS > 0 {
		config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(config.QPS, max(config.Burst, 1))
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c := &helmCluster{config: config, client: client, namespace: namespace}
	c.discovery = memory.NewMemCacheClient(client.Discovery())
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(c.discovery)
	return c, nil
}

// These methods implement Helm's interface action.RESTClientGetter.

func (c *helmCluster) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(c.config), nil }

func (c *helmCluster) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return c.discovery, nil
}

func (c *helmCluster) ToRESTMapper() (meta.RESTMapper, error) { return c.mapper, nil }

func (c *helmCluster) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	overrides := &clientcmd.ConfigOverrides{Context: clientcmdapi.Context{Namespace: c.namespace}}
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), overrides)
}

// cacheCapabilities keeps what a chart may ask about the cluster. Without this, Helm
// sends the requests for it at every install.
func (c *helmCluster) cacheCapabilities(capabilities *chartutil.Capabilities) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capabilities = capabilities
}

// configuration is the configuration of one action of Helm. It must not be shared by
// several actions.
type configuration struct {
	action.Configuration
	records *records
	objects *objects
	calls   *calls
}

// configuration returns a new configuration, whose calls belong to the span of ctx.
func (t *Tunnels) configuration(ctx context.Context) *configuration {
	c, calls := t.cluster, newCalls(ctx)
	getter := tracedCluster{c, calls}
	log := func(format string, args ...any) {
		t.options.Log.Debug("helm", "message", t.secret.redact(fmt.Sprintf(format, args...)))
	}
	r := &records{SecretInterface: c.client.CoreV1().Secrets(c.namespace), calls: calls, known: map[string]metav1.ObjectMeta{}}
	o := &objects{Client: kube.New(getter), records: r}
	o.Log, o.Namespace = log, c.namespace
	store := driver.NewSecrets(r)
	store.Log = log
	config := &configuration{records: r, objects: o, calls: calls, Configuration: action.Configuration{
		RESTClientGetter: getter, KubeClient: o, Releases: storage.Init(redactingDriver{store, t.secret}), Log: log,
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

// objects is Helm's client for the objects of releases.
type objects struct {
	*kube.Client
	records *records
	failed  error // why objects were not deleted; Helm only logs it
}

// DeleteWithPropagationPolicy deletes the objects of a release. Helm calls it also if it
// could not write into the record that the release is being uninstalled; then it
// deletes nothing.
func (o *objects) DeleteWithPropagationPolicy(list kube.ResourceList, policy metav1.DeletionPropagation) (*kube.Result, []error) {
	if err := o.records.failed; err != nil {
		return nil, []error{err}
	}
	result, errs := o.Client.DeleteWithPropagationPolicy(list, policy)
	o.failed = errors.Join(errs...)
	return result, errs
}

// Update is called for objects of the release that exist although there is no record of
// it. The plugin has no permission to change them. If they differ from the chart's,
// Update fails; the rollback then deletes them with the new record, and a retry creates
// them.
func (o *objects) Update(original, target kube.ResourceList, force bool) (*kube.Result, error) {
	result, err := o.Client.Update(original, target, force)
	if err != nil {
		err = fmt.Errorf("%w: %w", errLeftOver, err)
	}
	return result, err
}

// warnings logs the warnings of the API server.
type warnings struct{ tunnels *Tunnels }

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext. API servers
// send no other code than 299.
func (w warnings) HandleWarningHeaderWithContext(_ context.Context, code int, _, text string) {
	if code == 299 && text != "" {
		w.tunnels.options.Log.Debug("warning of the remote API server", "message", w.tunnels.secret.redact(text))
	}
}
