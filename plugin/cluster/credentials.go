package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// contentTypes prefers protobuf, which is smaller than JSON and several times
// cheaper to decode. Logs and errors still come as JSON or text.
const contentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON

// Connect returns the client configuration for the remote cluster. userAgent names
// the plugin in the audit log of the remote cluster. Connect reads files, and sends
// no request.
func Connect(options config.K8s, userAgent string) (*rest.Config, error) {
	client, err := load(options)
	if err != nil {
		return nil, err
	}
	if options.ClientConfiguration != nil {
		if err := override(client, options.ClientConfiguration); err != nil {
			return nil, err
		}
	}
	client.QPS, client.Burst = options.QPS, options.Burst
	if options.QPS == 0 {
		client.QPS = -1 // no limit; client-go takes 0 for its default of 5 requests per second
	}
	client.ContentType, client.AcceptContentTypes = runtime.ContentTypeProtobuf, contentTypes
	client.UserAgent = userAgent
	// Otherwise the API server compresses each event of the watch, which takes it longer
	// than the rest of the event (docs/performance.md).
	client.DisableCompression = true
	retryDuringStartup(client)
	return client, nil
}

// load reads the credentials from the first of these that exists: the kubeconfig
// file, the inline kubeconfig, the service account of the plugin's own pod.
func load(options config.K8s) (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: options.Context}
	if path := options.KubeconfigPath; path != "" {
		_, err := os.Stat(path)
		switch {
		case err == nil:
			rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
			client, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
			if err != nil {
				return nil, fmt.Errorf("read kubeconfig %s: %w", path, err)
			}
			return client, nil
		case !errors.Is(err, os.ErrNotExist), options.KubeconfigPathGiven && options.Kubeconfig == "":
			return nil, fmt.Errorf("read kubeconfig: %w", err)
		}
	}
	if options.Kubeconfig != "" {
		raw, err := clientcmd.Load([]byte(options.Kubeconfig.Reveal()))
		if err != nil {
			// The cause may quote the content, which contains keys.
			return nil, errors.New("read the inline kubeconfig: it is not a kubeconfig in YAML or JSON")
		}
		client, err := clientcmd.NewNonInteractiveClientConfig(*raw, options.Context, overrides, nil).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("read the inline kubeconfig: %w", err)
		}
		return client, nil
	}
	client, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("no credentials for the remote cluster: no kubeconfig at %q, no inline kubeconfig, and %w", options.KubeconfigPath, err)
	}
	return client, nil
}

// override replaces the settings of client that are set in o.
func override(client *rest.Config, o *config.ClientConfiguration) error {
	if o.Host != "" {
		client.Host = o.Host
	}
	if o.Proxy != "" {
		proxy, err := url.Parse(o.Proxy.Reveal())
		if err != nil {
			return errors.New("client configuration: proxy is not a URL") // the cause would quote its password
		}
		client.Proxy = http.ProxyURL(proxy)
	}
	if o.SSLCACert != "" {
		client.CAFile, client.CAData = o.SSLCACert, nil
	}
	if o.CertFile != "" {
		client.CertFile, client.CertData = o.CertFile, nil
	}
	if o.KeyFile != "" {
		client.KeyFile, client.KeyData = o.KeyFile, nil
	}
	if o.VerifySSL != nil {
		client.Insecure = !*o.VerifySSL
	}
	if client.Insecure { // client-go refuses a CA together with Insecure
		client.CAFile, client.CAData = "", nil
	}
	return nil
}
