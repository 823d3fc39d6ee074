package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ClientConfiguration contains the settings of the Python Kubernetes client that the
// plugin supports. Each overrides a setting of the kubeconfig; a zero field overrides
// nothing.
type ClientConfiguration struct {
	VerifySSL *bool  `json:"verify_ssl,omitempty"`
	SSLCACert string `json:"ssl_ca_cert,omitempty"`
	CertFile  string `json:"cert_file,omitempty"`
	KeyFile   string `json:"key_file,omitempty"`
	// Proxy is a URL that may contain credentials.
	Proxy Secret `json:"proxy,omitempty"`
	Host  string `json:"host,omitempty"`
}

// clientKeys are the keys of the JSON: the tags above.
var clientKeys = []string{"verify_ssl", "ssl_ca_cert", "cert_file", "key_file", "proxy", "host"}

func parseClientConfiguration(s string) (*ClientConfiguration, error) {
	if s == "" {
		return nil, nil
	}
	var keys map[string]json.RawMessage
	if err := decode(s, &keys); err != nil {
		return nil, fmt.Errorf(`must be a JSON object such as {"verify_ssl":true}: %w`, err)
	}
	if keys == nil { // null
		return nil, nil
	}
	var problems []string
	for key := range keys {
		if !slices.Contains(clientKeys, key) {
			problems = append(problems, fmt.Sprintf("%q is not one of %s%s", key, strings.Join(clientKeys, ", "), suggest(key, clientKeys)))
		}
	}
	if len(problems) > 0 {
		slices.Sort(problems)
		return nil, errors.New(strings.Join(problems, "; "))
	}
	var client ClientConfiguration
	if err := decode(s, &client); err != nil {
		return nil, err
	}
	return &client, checkClient(client)
}

func checkClient(client ClientConfiguration) error {
	switch {
	case client.CertFile != "" && client.KeyFile == "":
		return errors.New("cert_file requires key_file (the same path if one file contains both)")
	case client.KeyFile != "" && client.CertFile == "":
		return errors.New("key_file requires cert_file (the same path if one file contains both)")
	}
	if client.Proxy != "" {
		// The error of url.Parse would show the URL with its credentials.
		u, err := url.Parse(client.Proxy.Reveal())
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
			return errors.New("proxy must be a URL such as http://proxy.example.org:3128")
		}
	}
	if client.Host != "" {
		u, err := url.Parse(client.Host)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.User != nil {
			return errors.New("host must be a URL such as https://api.example.org:6443, without credentials")
		}
	}
	return nil
}

// redactClientConfiguration returns a client configuration with the proxy's credentials masked. It
// masks an invalid one completely.
func redactClientConfiguration(s string) string {
	client, err := parseClientConfiguration(s)
	if err != nil {
		return masked
	}
	if client == nil {
		return ""
	}
	return client.String()
}

// String returns the configuration as JSON, with the proxy's credentials masked.
func (c ClientConfiguration) String() string {
	shown := struct {
		ClientConfiguration
		Proxy string `json:"proxy,omitempty"`
	}{ClientConfiguration: c}
	if u, err := url.Parse(c.Proxy.Reveal()); err == nil {
		user := u.User
		u.User = nil
		shown.Proxy = u.String()
		if user != nil {
			shown.Proxy = strings.Replace(shown.Proxy, "://", "://"+masked+"@", 1)
		}
	}
	out, err := json.Marshal(shown)
	if err != nil {
		return masked
	}
	return string(out)
}

// Format writes String for every verb. Without it, fmt would show the fields for a
// verb that does not fit the pointer in [K8s].
func (c ClientConfiguration) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// isKubeconfig checks an inline kubeconfig. It does not return the parser's errors,
// because they quote the text.
func isKubeconfig(s Secret) error {
	if s == "" {
		return nil
	}
	var m map[string]any
	if err := yaml.Unmarshal([]byte(s.Reveal()), &m); err != nil || m == nil {
		return errors.New("must be a kubeconfig: a JSON object or a YAML mapping; in the file, indent its lines")
	}
	return nil
}

// jsonType returns the JSON word for a Go type.
func jsonType(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return `a text in "quotes"`
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a whole number"
	}
}
