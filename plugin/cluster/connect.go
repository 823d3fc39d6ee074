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

// Credentials say how to reach the remote cluster. The first of these that is
// there counts: the file, the inline kubeconfig, the pod's own service account.
type Credentials struct {
	// KubeconfigPath is a file; one that does not exist is passed over when
	// KubeconfigOptional is set or Kubeconfig is given.
	KubeconfigPath     string
	KubeconfigOptional bool
	// Kubeconfig is the content of one, YAML or JSON.
	Kubeconfig string
	// Context of the kubeconfig; empty means its current one.
	Context string
	// Overrides replace single settings of what was found.
	Overrides Overrides
	// QPS and Burst limit the requests to the remote API server, per second.
	QPS   float32
	Burst int
	// UserAgent names the plugin in the remote cluster's audit log.
	UserAgent string
}

// Overrides are the settings of the Python client's Configuration object that
// sites use. Unset ones change nothing.
type Overrides struct {
	VerifySSL *bool
	SSLCACert string
	CertFile  string
	KeyFile   string
	Proxy     string
	Host      string
}

// protobuf is smaller and several times cheaper to decode than JSON, which the
// log and error answers still use.
const contentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON

// Connect turns credentials into a client configuration. It reads files and
// talks to nobody.
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
	knowRoles(config)
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
			// The cause may quote the content, which holds keys.
			return nil, errors.New("read the inline kubeconfig: it is no kubeconfig in YAML or JSON")
		}
		config, err := clientcmd.NewNonInteractiveClientConfig(*raw, credentials.Context, overrides, nil).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("read the inline kubeconfig: %w", err)
		}
		return config, nil
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("no credentials for the remote cluster: no kubeconfig at %q, none inline, and %w", credentials.KubeconfigPath, err)
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
			return errors.New("client configuration: proxy is no URL") // the cause would quote its password
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
	if config.Insecure { // client-go takes a CA together with this for a mistake
		config.CAFile, config.CAData = "", nil
	}
	return nil
}
