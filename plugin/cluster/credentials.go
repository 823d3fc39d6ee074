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
)

// Credentials say how to connect to the remote cluster. The plugin uses the first
// of these that exists: the kubeconfig file, the inline kubeconfig, the service
// account of the plugin's own pod.
type Credentials struct {
	// KubeconfigPath is the path of a kubeconfig file. A file that does not exist
	// is ignored if KubeconfigOptional is set or Kubeconfig is not empty.
	KubeconfigPath     string
	KubeconfigOptional bool
	// Kubeconfig is the content of a kubeconfig, in YAML or JSON.
	Kubeconfig string
	// Context is the context of the kubeconfig; empty for the current context.
	Context string
	// Overrides replace single settings of the credentials.
	Overrides Overrides
	// QPS and Burst limit the requests to the remote API server, per second.
	QPS   float32
	Burst int
	// UserAgent names the plugin in the audit log of the remote cluster.
	UserAgent string
}

// Overrides are those settings of the Python client's Configuration object that
// sites use. An empty setting changes nothing.
type Overrides struct {
	VerifySSL *bool
	SSLCACert string
	CertFile  string
	KeyFile   string
	Proxy     string
	Host      string
}

// contentTypes prefers protobuf, which is smaller than JSON and several times
// cheaper to decode. Logs and errors still come as JSON or text.
const contentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON

// Connect returns the client configuration for credentials. It reads files, and
// sends no request.
func Connect(credentials Credentials) (*rest.Config, error) {
	config, err := load(credentials)
	if err != nil {
		return nil, err
	}
	if err := credentials.Overrides.apply(config); err != nil {
		return nil, err
	}
	config.QPS, config.Burst = credentials.QPS, credentials.Burst
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, contentTypes
	config.UserAgent = credentials.UserAgent
	retryDuringStartup(config)
	return config, nil
}

func load(credentials Credentials) (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: credentials.Context}
	if path := credentials.KubeconfigPath; path != "" {
		_, err := os.Stat(path)
		switch {
		case err == nil:
			rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
			config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
			if err != nil {
				return nil, fmt.Errorf("read kubeconfig %s: %w", path, err)
			}
			return config, nil
		case !errors.Is(err, os.ErrNotExist), !credentials.KubeconfigOptional && credentials.Kubeconfig == "":
			return nil, fmt.Errorf("read kubeconfig: %w", err)
		}
	}
	if credentials.Kubeconfig != "" {
		raw, err := clientcmd.Load([]byte(credentials.Kubeconfig))
		if err != nil {
			// The cause may quote the content, which contains keys.
			return nil, errors.New("read the inline kubeconfig: it is not a kubeconfig in YAML or JSON")
		}
		config, err := clientcmd.NewNonInteractiveClientConfig(*raw, credentials.Context, overrides, nil).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("read the inline kubeconfig: %w", err)
		}
		return config, nil
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("no credentials for the remote cluster: no kubeconfig at %q, no inline kubeconfig, and %w", credentials.KubeconfigPath, err)
	}
	return config, nil
}

func (o Overrides) apply(config *rest.Config) error {
	if o.Host != "" {
		config.Host = o.Host
	}
	if o.Proxy != "" {
		proxy, err := url.Parse(o.Proxy)
		if err != nil {
			return errors.New("client configuration: proxy is not a URL") // the cause would quote its password
		}
		config.Proxy = http.ProxyURL(proxy)
	}
	if o.SSLCACert != "" {
		config.CAFile, config.CAData = o.SSLCACert, nil
	}
	if o.CertFile != "" {
		config.CertFile, config.CertData = o.CertFile, nil
	}
	if o.KeyFile != "" {
		config.KeyFile, config.KeyData = o.KeyFile, nil
	}
	if o.VerifySSL != nil {
		config.Insecure = !*o.VerifySSL
	}
	if config.Insecure { // client-go refuses a CA together with Insecure
		config.CAFile, config.CAData = "", nil
	}
	return nil
}
