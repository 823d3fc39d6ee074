package charts

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// setByOtherValue lists the options that are not in config, with the values that set them.
var setByOtherValue = map[string]string{
	"app.admin_address": "admin.port",
	"k8s.kubeconfig":    "remote.kubeconfig",
}

// mayBeSecret lists the options that may be in config or in secretConfig.
var mayBeSecret = map[string]bool{"k8s.client_configuration": true}

// schemaOf contains the schemas of the options for which the kind is not enough.
var schemaOf = map[string]map[string]any{
	"app.shutdown_grace": {"type": "integer", "minimum": 0, "maximum": 3600,
		"description": "How many seconds requests in flight may continue after SIGTERM. The chart computes the pod's termination grace period from it."},
	// YAML parses 0660 without quotes as the number 432. One digit must give write permission.
	"app.socket_mode":             {"type": "string", "pattern": "^(0o)?0?([2367][0-7]{2}|[0-7][2367][0-7]|[0-7]{2}[2367])$"},
	"app.socket_address":          {"type": "string", "pattern": "^(unix:///|http://)[^\\s]+$"},
	"app.instance":                {"type": "string", "pattern": "^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$"},
	"k8s.client_configuration":    {"type": "object"},
	"offloading.node_selector":    {"type": "object", "additionalProperties": map[string]any{"type": "string"}},
	"offloading.node_tolerations": {"type": "array", "items": map[string]any{"type": "object"}},
	"k8s.qps":                     {"type": "number", "minimum": 0},
	"offloading.claims":           {"type": []any{"array", "object", "string"}, "pattern": "^[^\\r\\n]*$"},
	"offloading.placement":        {"type": []any{"array", "object", "string"}, "pattern": "^[^\\r\\n]*$"},
	// Only secrets may have several lines.
	"tcp_tunnel.gateway_ssh_private_key": {"type": "string"},
}

// schemaOfKind contains the schema of each kind of option.
var schemaOfKind = map[config.Kind]map[string]any{
	config.Text:     {"type": "string", "pattern": "^[^\\r\\n]*$"},
	config.Bool:     {"type": "boolean"},
	config.Number:   {"type": "integer"},
	config.Duration: {"type": []any{"string", "number"}, "pattern": "^[0-9][0-9a-zµ.]*$"},
	config.Size:     {"type": []any{"string", "integer"}, "pattern": "^[0-9]+ ?([KMG]iB?)?$"},
	config.Level:    {"enum": []any{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}},
	config.List:     {"type": "array", "items": map[string]any{"type": "string"}},
	config.JSON:     {"type": []any{"object", "array"}},
}

// optionSchema returns the schema of the options for which include returns true.
func optionSchema(description string, include func(name string, option config.Option) bool) map[string]any {
	sections := map[string]any{}
	for _, option := range config.Options() {
		name := option.Section + "." + option.Key
		if setByOtherValue[name] != "" || !include(name, option) {
			continue
		}
		schema := map[string]any{"description": option.Help}
		rules, ok := schemaOf[name]
		if !ok {
			rules = schemaOfKind[option.Kind]
		}
		if option.Kind == config.Choice {
			rules = map[string]any{"enum": option.Choices}
		}
		for key, value := range rules {
			schema[key] = value
		}
		if option.Default != "" {
			schema["description"] = schema["description"].(string) + " Default: " + option.Default
		}
		section, ok := sections[option.Section].(map[string]any)
		if !ok {
			section = map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
			sections[option.Section] = section
		}
		section["properties"].(map[string]any)[option.Key] = schema
	}
	return map[string]any{"type": "object", "additionalProperties": false, "description": description, "properties": sections}
}

// The schema contains every option of the plugin's table. With -update the test adds new options.
func TestSchemaContainsEveryOption(t *testing.T) {
	path := filepath.Join(plugin, "values.schema.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	properties := schema["properties"].(map[string]any)
	properties["config"] = optionSchema("Options of the plugin, by section and key of its configuration file.",
		func(_ string, option config.Option) bool { return !option.Secret })
	properties["secretConfig"] = optionSchema("Options that contain secrets; the chart passes them to the plugin in a Secret.",
		func(name string, option config.Option) bool { return option.Secret || mayBeSecret[name] })
	describe(t, schema)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	golden(t, path, out.Bytes())
}

// The schema and the templates reject invalid and unknown values.
func TestInvalidValuesAreRejected(t *testing.T) {
	const remote = "remote: {existingSecret: remote-cluster}\n"
	for _, test := range []struct {
		values string
		words  []string
	}{
		{"", []string{"credentials of the remote cluster", "0 are set"}},
		{"remote: {existingSecret: a, inCluster: true}", []string{"credentials of the remote cluster", "2 are set"}},
		{remote + "config: {k8s: {kubeconfig_path: /some/file}}", []string{"2 are set"}},
		{remote + "replica: 2", []string{"'replica'"}},
		{remote + "replicas: two", []string{"/replicas", "integer"}},
		{remote + "replicas: -1", []string{"/replicas", "minimum"}},
		{remote + "image: {name: a}", []string{"/image", "'name'"}},
		{remote + "image: {digest: latest}", []string{"/image/digest", "pattern"}},
		{remote + "image: {pullPolicy: Sometimes}", []string{"/image/pullPolicy", "'IfNotPresent'"}},
		{remote + "config: {app: {sockets: 1}}", []string{"/config/app", "'sockets'"}},
		{remote + "config: {application: {}}", []string{"/config", "'application'"}},
		{remote + "config: {app: {socket_mode: 0660}}", []string{"/config/app/socket_mode", "string"}},
		{remote + "config: {app: {socket_mode: '0000'}}", []string{"/config/app/socket_mode", "pattern"}},
		{remote + "config: {app: {socket_address: https://0.0.0.0}}", []string{"/config/app/socket_address", "pattern"}},
		{remote + "config: {app: {shutdown_grace: 30s}}", []string{"/config/app/shutdown_grace", "integer"}},
		{remote + "config: {app: {admin_address: ':1'}}", []string{"/config/app", "'admin_address'"}},
		{remote + "config: {app: {instance: a b}}", []string{"/config/app/instance", "pattern"}},
		{remote + "config: {app: {max_body: lots}}", []string{"/config/app/max_body", "pattern"}},
		{remote + `config: {app: {name: "one\n[k8s]\ncontext=other"}}`, []string{"/config/app/name", "pattern"}},
		{remote + "config: {log: {level: LOUD}}", []string{"/config/log/level", "'WARNING'"}},
		{remote + "config: {log: {rich_enabled: sure}}", []string{"/config/log/rich_enabled", "boolean"}},
		{remote + "config: {k8s: {kubeconfig: '{}'}}", []string{"/config/k8s", "'kubeconfig'"}},
		{remote + "config: {k8s: {qps: -1}}", []string{"/config/k8s/qps", "minimum"}},
		{remote + "config: {offloading: {node_selector: {gpu: 1}}}", []string{"/config/offloading/node_selector/gpu", "string"}},
		{remote + "config: {offloading: {namespace_prefix_exclusions: a}}", []string{"/namespace_prefix_exclusions", "array"}},
		{remote + "config: {offloading: {unsupported_volumes: keep}}", []string{"/unsupported_volumes", "'refuse'", "'refuse_claims'"}},
		{remote + "config: {tcp_tunnel: {gateway_ssh_private_key: key}}", []string{"/config/tcp_tunnel", "'gateway_ssh_private_key'"}},
		{remote + "secretConfig: {app: {name: a}}", []string{"/secretConfig", "'app'"}},
		{remote + "interlink: {enabled: true}\nconfig: {app: {socket_address: unix:///elsewhere/plugin.sock}}", []string{"unix:///var/run/interlink/"}},
		{remote + "interlink: {tls: {clientAuth: true}}", []string{"/interlink/tls/existingSecret", "minLength"}},
		{remote + "admin: {port: 4000}", []string{"admin.port", "4000"}},
		{remote + "admin: {port: 5000}\nconfig: {app: {socket_port: 5000}}", []string{"admin.port", "5000"}},
		{remote + "admin: {port: 5000}\nconfig: {app: {socket_address: 'http://0.0.0.0:5000'}}", []string{"admin.port", "5000"}},
		{remote + "admin: {port: 3000}\ninterlink: {enabled: true}", []string{"admin.port", "3000"}},
		{remote + "probes: {readiness: {path: /status}}", []string{"/probes/readiness/path", "'/readyz'"}},
		{remote + "service: {port: 70000}", []string{"/service/port", "maximum"}},
		{remote + "serviceMonitor: {interval: often}", []string{"/serviceMonitor/interval", "pattern"}},
		{remote + "prometheusRule: {enabled: 1}", []string{"/prometheusRule/enabled", "boolean"}},
		{remote + "dashboard: {labels: {a: 1}}", []string{"/dashboard/labels/a", "string"}},
		{remote + "podDisruptionBudget: {maxUnavailable: half}", []string{"/podDisruptionBudget/maxUnavailable", "pattern"}},
		{remote + "tracing: {endpoint: collector}", []string{"/tracing/endpoint", "pattern"}},
		{remote + "tracing: {endpoint: 'http://u:p@collector'}", []string{"/tracing/endpoint", "pattern"}},
		{remote + "tracing: {protocol: udp}", []string{"/tracing/protocol", "'grpc'"}},
		{remote + "tracing: {ratio: 2}", []string{"/tracing/ratio", "maximum"}},
		{remote + "commonLabels: {a: 1}", []string{"/commonLabels/a", "string"}},
		{remote + "rbac: {create: true}", []string{"rbac.create", "remote.inCluster"}},
		{"remote: {inCluster: true}\nrbac: {create: true}\nconfig: {tcp_tunnel: {enabled: true}}", []string{"rbac-tcp-tunnel.yaml"}},
		{remote + "rbac: {optional: [all]}", []string{"/rbac/optional/0", "'orphan-secrets'"}},
		{remote + "service: {loadBalancerSourceRanges: [all]}", []string{"/loadBalancerSourceRanges/0", "pattern"}},
		{remote + "service: {externalTrafficPolicy: Remote}", []string{"/externalTrafficPolicy", "'Local'"}},
		{remote + "service: {ipFamilies: [IPv5]}", []string{"/ipFamilies/0", "'IPv6'"}},
		{remote + "probes: {liveness: {timeoutSeconds: 0}}", []string{"/probes/liveness/timeoutSeconds", "minimum"}},
		{remote + "serviceMonitor: {scrapeTimeout: often}", []string{"/serviceMonitor/scrapeTimeout", "pattern"}},
		{remote + "revisionHistoryLimit: -1", []string{"/revisionHistoryLimit", "minimum"}},
		{remote + "dnsPolicy: Other", []string{"/dnsPolicy", "'ClusterFirst'"}},
		{remote + "extraArgs: --check", []string{"/extraArgs", "array"}},
		{remote + "extraObjects: {a: {}}", []string{"/extraObjects", "array"}},
		{remote + "test: {pod: {}}", []string{"/test", "'pod'"}},
		{remote + "test: {image: a b}", []string{"/test/image", "pattern"}},
		{remote + "test: {command: echo}", []string{"/test/command", "array"}},
		{remote + "test: {namespace: A}", []string{"/test/namespace", "pattern"}},
		{remote + "test: {timeoutSeconds: 0}", []string{"/test/timeoutSeconds", "minimum"}},
		{remote + "test: {overrides: {status: {}}}", []string{"/test/overrides", "'status'"}},
		{remote + "podAnnotations: {a: 1}", []string{"/podAnnotations/a", "string"}},
	} {
		t.Run(strings.TrimPrefix(test.values, remote), func(t *testing.T) {
			_, err := render(parseValues(t, test.values), demo)
			if err == nil {
				t.Fatal("the chart accepts the values")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not contain %q: %v", word, err)
				}
			}
		})
	}
}
