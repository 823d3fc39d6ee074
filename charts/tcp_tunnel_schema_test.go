package charts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// merged merges over into base, map by map.
func merged(base, over map[string]any) map[string]any {
	for key, value := range over {
		if below, ok := value.(map[string]any); ok {
			if old, ok := base[key].(map[string]any); ok {
				value = merged(old, below)
			}
		}
		base[key] = value
	}
	return base
}

func TestInvalidTunnelValuesAreRejected(t *testing.T) {
	for _, test := range []struct {
		chart, values string
		words         []string
	}{
		{gateway, "ssh: {publicKey: ''}", []string{"ssh.publicKey is required"}},
		{gateway, "ssh: {publicKey: AAAAC3Nz}", []string{"/ssh/publicKey", "pattern"}},
		{gateway, `ssh: {publicKey: "ssh-ed25519 AAAAC3Nz\ncommand=\"sh\" ssh-ed25519 AAAA"}`, []string{"/ssh/publicKey", "pattern"}},
		{gateway, "ssh: {userName: root}", []string{"/ssh/userName", "not"}},
		{gateway, `ssh: {userName: "a\nPermitOpen any"}`, []string{"/ssh/userName", "pattern"}},
		{gateway, "ssh: {port: 0}", []string{"/ssh/port", "minimum"}},
		{gateway, "ssh: {port: 65536}", []string{"/ssh/port", "maximum"}},
		{gateway, "ssh: {hostKey: hunter2}", []string{"ssh.hostKey is not a private key in PEM"}},
		{gateway, "ssh: {hostKey: '-----BEGIN', existingSecret: a}", []string{"ssh.hostKey and ssh.existingSecret"}},
		{gateway, "ssh: {privateKey: a}", []string{"/ssh", "'privateKey'"}},
		{gateway, "service: {port: high}", []string{"/service/port", "integer"}},
		{gateway, "service: {port: 70000}", []string{"/service/port", "maximum"}},
		{gateway, "service: {nodePort: 30222}", []string{"/service", "'nodePort'"}},
		{gateway, "service: {type: ExternalName}", []string{"/service/type", "'LoadBalancer'"}},
		{gateway, "tunnel: {service: {sourcePort: 0}}", []string{"/tunnel/service/sourcePort", "minimum"}},
		{gateway, "tunnel: {service: {sourceNodePort: 70000}}", []string{"/tunnel/service/sourceNodePort", "maximum"}},
		{gateway, "tunnel: {service: {type: ClusterIP}}", []string{"/tunnel/service/type", "'NodePort'"}},
		{gateway, "tunnel: {gateway: {}}", []string{"/tunnel", "'gateway'"}},
		{gateway, "podSecurityContext: {runAsUser: 0}", []string{"/podSecurityContext/runAsUser", "minimum"}},
		{gateway, "podSecurityContext: {runAsUser: null}", []string{"podSecurityContext.runAsUser is required"}},

		{bastion, "tunnel: {gateway: {host: ''}}", []string{"tunnel.gateway.host is required"}},
		{bastion, `tunnel: {gateway: {host: "a\nProxyCommand sh"}}`, []string{"/tunnel/gateway/host", "pattern"}},
		{bastion, "tunnel: {gateway: {port: 30222}}", []string{"tunnel.gateway.port is not a value", "tunnel.gateway.ssh.port"}},
		{bastion, "tunnel: {gateway: {ssh: {port: 0}}}", []string{"/tunnel/gateway/ssh/port", "minimum"}},
		{bastion, "tunnel: {gateway: {ssh: {port: 65536}}}", []string{"/tunnel/gateway/ssh/port", "maximum"}},
		{bastion, "tunnel: {gateway: {ssh: {userName: -a}}}", []string{"/tunnel/gateway/ssh/userName", "pattern"}},
		{bastion, "tunnel: {gateway: {ssh: {privateKey: ''}}}", []string{"tunnel.gateway.ssh.privateKey is required"}},
		{bastion, "tunnel: {gateway: {ssh: {privateKey: hunter2}}}", []string{"tunnel.gateway.ssh.privateKey is neither"}},
		{bastion, "tunnel: {gateway: {ssh: {privateKey: aHVudGVyMg==}}}", []string{"tunnel.gateway.ssh.privateKey is neither"}},
		{bastion, "tunnel: {gateway: {ssh: {hostKey: gateway ssh-ed25519 AAAA}}}", []string{"/tunnel/gateway/ssh/hostKey", "pattern"}},
		{bastion, "tunnel: {gateway: {ssh: {publicKey: a}}}", []string{"/tunnel/gateway/ssh", "'publicKey'"}},
		{bastion, "tunnel: {service: {gatewayPort: 0}}", []string{"/tunnel/service/gatewayPort", "minimum"}},
		{bastion, "tunnel: {service: {gatewayPort: 65536}}", []string{"/tunnel/service/gatewayPort", "maximum"}},
		{bastion, "tunnel: {service: {targetHost: ''}}", []string{"tunnel.service.targetHost is required"}},
		{bastion, "tunnel: {service: {targetHost: 'a b'}}", []string{"/tunnel/service/targetHost", "pattern"}},
		{bastion, "tunnel: {service: {targetPort: 0}}", []string{"/tunnel/service/targetPort", "minimum"}},
		{bastion, "tunnel: {service: {targetPort: 65536}}", []string{"/tunnel/service/targetPort", "maximum"}},
		{bastion, "tunnel: {services: {}}", []string{"/tunnel", "'services'"}},
		{bastion, "podSecurityContext: {runAsUser: 0}", []string{"/podSecurityContext/runAsUser", "minimum"}},
		{bastion, "podSecurityContext: {runAsUser: null}", []string{"podSecurityContext.runAsUser is required"}},
		{bastion, "ssh: {}", []string{"'ssh'"}},

		{"both", "replicas: 2", []string{"'replicas'"}},
		{"both", "image: {tag: ''}", []string{"/image/tag", "pattern"}},
		{"both", "image: {tag: sha256:0123}", []string{"/image/tag", "pattern"}},
		{"both", "image: {repository: ''}", []string{"/image/repository", "minLength"}},
		{"both", "image: {pullPolicy: Sometimes}", []string{"/image/pullPolicy", "'IfNotPresent'"}},
		{"both", "image: {name: a}", []string{"/image", "'name'"}},
		{"both", "commonLabels: {a: 1}", []string{"/commonLabels/a", "string"}},
		{"both", "commonLabels: {a: 'b c'}", []string{"/commonLabels/a", "pattern"}},
		{"both", "imagePullSecrets: [registry]", []string{"/imagePullSecrets/0", "object"}},
		{"both", "resources: {limit: {}}", []string{"/resources", "'limit'"}},
		{"both", "nodeSelector: {a: 1}", []string{"/nodeSelector/a", "string"}},
		{"both", "tolerations: {}", []string{"/tolerations", "array"}},
		{"both", "fullnameOverride: " + strings.Repeat("a", 64), []string{"/fullnameOverride", "maxLength"}},
	} {
		for chart, least := range map[string]string{gateway: gatewayValues, bastion: bastionValues} {
			if test.chart != chart && test.chart != "both" {
				continue
			}
			t.Run(chart+"/"+test.values, func(t *testing.T) {
				values := merged(parseValues(t, least), parseValues(t, test.values))
				_, err := renderTunnel(loadTunnel(t, chart), values, clusterOf())
				if err == nil {
					t.Fatal("the chart accepts the values")
				}
				for _, word := range test.words {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("the error does not contain %q: %v", word, err)
					}
				}
				if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg") {
					t.Errorf("the error shows the key: %v", err)
				}
			})
		}
	}
}

// known adds the paths of all values of a schema to into. The test fails if an object of the schema accepts unknown
// values.
func known(t *testing.T, path string, schema map[string]any, into map[string]bool) {
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		return
	}
	if schema["additionalProperties"] != false && path != "/podSecurityContext" {
		t.Errorf("%s accepts unknown values", path)
	}
	for name, below := range properties {
		into[path+"/"+name] = true
		known(t, path+"/"+name, below.(map[string]any), into)
	}
}

// values.yaml contains every value of the schema, so it documents all values.
func TestTunnelValuesAreDocumented(t *testing.T) {
	for _, chart := range []string{gateway, bastion} {
		t.Run(chart, func(t *testing.T) {
			var schema map[string]any
			text, err := os.ReadFile(filepath.Join("tcp-tunnel", chart, "values.schema.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &schema); err != nil {
				t.Fatal(err)
			}
			paths := map[string]bool{}
			known(t, "", schema, paths)
			var values map[string]any
			text, err = os.ReadFile(filepath.Join("tcp-tunnel", chart, "values.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(text, &values); err != nil {
				t.Fatal(err)
			}
			for path := range paths {
				var at any = values
				for _, name := range strings.Split(path[1:], "/") {
					if below, ok := at.(map[string]any); ok {
						if _, ok = below[name]; !ok && path != "/global" && path != "/resources/claims" && path != "/tunnel/gateway/port" {
							t.Errorf("values.yaml does not contain %s", path)
						}
						at = below[name]
					}
				}
			}
		})
	}
}
