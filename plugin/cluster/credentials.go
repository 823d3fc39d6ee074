package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// readCredentials reads the credentials for the remote cluster, and the settings that
// override them. It reads files, and sends no request.
func readCredentials(options config.K8s) (*rest.Config, error) {
	client, err := load(options)
	if err != nil {
		return nil, err
	}
	if options.ClientConfiguration != nil {
		if err := override(client, options.ClientConfiguration); err != nil {
			return nil, err
		}
	}
	if err := readFiles(client); err != nil {
		return nil, err
	}
	return client, nil
}

// readFiles replaces the names of files in client by what they contain, so that two
// configurations can be compared. client-go would read the files again by itself, but
// hours or minutes late, and not all of them.
func readFiles(client *rest.Config) error {
	for _, file := range []struct {
		path *string
		data *[]byte
	}{
		{&client.CAFile, &client.CAData}, {&client.CertFile, &client.CertData}, {&client.KeyFile, &client.KeyData},
	} {
		if *file.path == "" {
			continue
		}
		if len(*file.data) == 0 {
			data, err := os.ReadFile(*file.path)
			if err != nil {
				return fmt.Errorf("read the credentials: %w", err)
			}
			if len(data) == 0 {
				return fmt.Errorf("read the credentials: %s is empty", *file.path)
			}
			*file.data = data
		}
		*file.path = ""
	}
	if path := client.BearerTokenFile; path != "" {
		token, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the credentials: %w", err)
		}
		if client.BearerToken, client.BearerTokenFile = strings.TrimSpace(string(token)), ""; client.BearerToken == "" {
			return fmt.Errorf("read the credentials: %s is empty", path)
		}
	}
	return nil
}

// withFixedSource returns options that have only that source of credentials which load uses
// now. Otherwise a kubeconfig that is missing for a moment, or that appears later, would let a
// plugin that runs use another cluster, in which none of its pods exist.
func withFixedSource(options config.K8s) config.K8s {
	if _, err := os.Stat(options.KubeconfigPath); options.KubeconfigPath != "" && !errors.Is(err, os.ErrNotExist) {
		options.Kubeconfig, options.KubeconfigPathGiven = "", true
	} else if !options.KubeconfigPathGiven || options.Kubeconfig != "" {
		options.KubeconfigPath = ""
	}
	return options
}

// load reads the credentials from the first of these that exists: the kubeconfig
// file, the inline kubeconfig, the service account of the plugin's own pod.
func load(options config.K8s) (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: options.Context}
	if path := options.KubeconfigPath; path != "" {
		_, err := os.Stat(path)
		switch {
		case err == nil:
			// Not clientcmd's own loader: for a file that is empty, because it is being written,
			// that returns the service account of the plugin's own pod.
			raw, err := clientcmd.LoadFromFile(path)
			if err == nil {
				err = clientcmd.ResolveLocalPaths(raw)
			}
			if err != nil {
				return nil, fmt.Errorf("read kubeconfig %s: %w", path, err)
			}
			client, err := clientcmd.NewNonInteractiveClientConfig(*raw, options.Context, overrides, nil).ClientConfig()
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
		return nil, fmt.Errorf("no credentials for the remote cluster: no kubeconfig at %s, no inline kubeconfig, and %w; set --k8s-kubeconfig-path or [k8s] kubeconfig_path", cmp.Or(options.KubeconfigPath, "the default path"), err)
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
