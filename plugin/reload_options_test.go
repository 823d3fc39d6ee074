package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/reload"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// reloadable is a plugin that does not run, with a configuration file.
type reloadable struct {
	t      *testing.T
	file   string
	plugin *Plugin
	level  *slog.LevelVar
	log    *testkit.Log
}

// newReloadable returns a plugin with the options of a file: "[section] key" to value.
func newReloadable(t *testing.T, options map[string]string) *reloadable {
	t.Helper()
	r := &reloadable{t: t, file: filepath.Join(t.TempDir(), "config.ini"), log: testkit.NewLog(t)}
	r.write(options)
	parsed, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	r.level = new(slog.LevelVar)
	r.level.Set(parsed.Config.Log.Level)
	if r.plugin, err = New(parsed.Config, fake.NewClientset(), nil, "test", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	r.plugin.Reload(Reloading{Read: r.read, Started: parsed, Level: r.level}, r.log.Logger())
	r.reload(reload.Started)
	return r
}

func (r *reloadable) read() (*config.ParseResult, error) {
	return config.Parse([]string{"--config=" + r.file}, nil)
}

func (r *reloadable) reload(cause reload.Cause) {
	next, failures := r.plugin.reloads.read()
	r.plugin.use(cause, next, failures)
}

func (r *reloadable) write(options map[string]string) { r.writeText(fileOf(options)) }

func (r *reloadable) writeText(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// fileOf returns a configuration file.
func fileOf(options map[string]string) string {
	sections := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		section, key, _ := strings.Cut(name, " ")
		sections[section] += key + "=" + options[name] + "\n"
	}
	var text strings.Builder
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		fmt.Fprintf(&text, "%s\n%s", section, sections[section])
	}
	return text.String()
}

// goldens are the create requests of fixtures/translate, and some that a policy refuses.
func goldens(t *testing.T) []*wire.CreateRequest {
	t.Helper()
	files, err := filepath.Glob("../fixtures/translate/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var requests []*wire.CreateRequest
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		above, _, _ := strings.Cut(string(content), "\n----------\n")
		request := &wire.CreateRequest{}
		if err := yaml.Unmarshal([]byte(above), request); err != nil {
			t.Fatal(err)
		}
		requests = append(requests, request)
	}
	mesh := &wire.CreateRequest{}
	testkit.ReadWire(t, "11-create-mesh.request.json", mesh)
	requests = append(requests, mesh)
	pod := func(change func(*corev1.Pod)) {
		request := &wire.CreateRequest{Pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "demo", UID: "uid"}}}
		request.Pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox"}}
		change(&request.Pod)
		requests = append(requests, request)
	}
	pod(func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "d", UID: "u", Controller: new(true)}}
	})
	pod(func(p *corev1.Pod) { p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "$(B)"}} })
	return requests
}

// behavior returns everything that a reload can change: what becomes of the pods, the ping, and the log.
func (r *reloadable) behavior(requests []*wire.CreateRequest) string {
	r.t.Helper()
	var text strings.Builder
	site := r.plugin.lifecycle.Site()
	fmt.Fprintln(&text, "maintenance", site.Maintenance, r.plugin.waitingPaused(), "level", r.level.Level(), "requests", r.plugin.config().Log.RequestsEnabled)
	for _, away := range []cluster.Trouble{{}, {Since: time.Now().Add(-24 * time.Hour), Reason: errors.New("away")}} {
		answer, err := pingAnswer(*r.plugin.config(), nil, cluster.Trouble{}, away, true, time.Now())
		said, _ := json.Marshal(answer)
		fmt.Fprintf(&text, "ping %s %v\n", said, err)
	}
	for _, request := range requests {
		objects, err := lifecycle.Objects(request, site.Translate, site.Policy)
		made, _ := json.Marshal(objects)
		fmt.Fprintf(&text, "%s: %s %v\n", request.Pod.Name, made, err)
	}
	return text.String()
}

// otherValues has, for each option, another value than the default, and the options that it needs to have an effect: a new
// option needs a row here.
var otherValues = func() map[string][]string {
	mesh := "[mesh] enabled=true"
	script := []string{mesh, "[mesh] scripts=any"}
	values := map[string][]string{
		"[app] name": {"other"}, "[app] description": {"other"}, "[app] version": {"v2"}, "[app] api_versions": {},
		"[app] api_docs_path": {""}, "[app] socket_address": {"unix:///run/other.sock"}, "[app] socket_port": {"8080"},
		"[app] socket_mode": {"0600"}, "[app] admin_address": {"127.0.0.1:9090"}, "[app] admin_token_file": {},
		"[app] admin_hosts": {"plugin.example.org"}, "[app] shutdown_grace": {"1m"}, "[app] instance": {"other"}, "[app] max_body": {"1MiB"},
		"[app] maintenance": {"true"}, "[app] lease_namespace": {"other"},
		"[log] level": {"DEBUG"}, "[log] dir": {"/var/log/plugin"}, "[log] rich_enabled": {"true"}, "[log] requests_enabled": {"true"},
		"[k8s] kubeconfig_path": {"/etc/kubeconfig"}, "[k8s] kubeconfig": {"{}"}, "[k8s] client_configuration": {`{"host":"https://example.org"}`},
		"[k8s] context": {"other"}, "[k8s] qps": {"10"}, "[k8s] burst": {"10"}, "[k8s] unavailable_after": {"1h"},
		"[offloading] namespace_prefix": {"other"}, "[offloading] namespace_prefix_exclusions": {"demo"}, "[offloading] namespace": {"other"},
		"[offloading] node_selector": {`{"gpu":"T4"}`}, "[offloading] node_tolerations": {`[{"key":"gpu","operator":"Exists"}]`},
		"[offloading] image_pull_secrets": {"registry"}, "[offloading] service_account": {"other"}, "[offloading] priority_class": {"low"},
		"[offloading] runtime_class": {"kata"}, "[offloading] scheduler_name": {"volcano"}, "[offloading] create_timeout": {"50s"},
		"[offloading] unsupported_volumes": {"refuse"}, "[offloading] quota": {"fail"}, "[offloading] disrupted_exit_code": {"250"},
		"[offloading] node_pods": {"20"}, "[offloading] report_resources": {"nodes"}, "[offloading] reserve": {"10"},
		"[offloading] orphan_grace": {"2h"}, "[offloading] orphan_policy": {"report"}, "[offloading] finished_ttl": {"1h"},
		"[offloading] pod_security": {"restricted"}, "[offloading] namespaces": {"team-*"}, "[offloading] namespace_template": {},
		"[offloading] daemonsets": {"true"}, "[offloading] service_account_tokens": {"drop"}, "[offloading] variables": {"resolved"},
		"[offloading] labels": {"carry"}, "[offloading] virtual_node": {"kubernetes.io/*"}, "[offloading] dropped_metadata": {"app"},
		"[offloading] claims": {`[{"remote":"site"}]`}, "[offloading] storage_classes": {"*=fast"}, "[offloading] csi_drivers": {"*"},
		"[offloading] nfs": {"*.example.org:/export/*"}, "[offloading] host_paths": {"/cvmfs"},
		"[offloading] placement": {`{"rules":[{"nodeSelector":{"pool":"a"}}]}`}, "[offloading] placement_allowed": {"runtimeClass=*"},
		"[mesh] enabled": {"true"}, "[mesh] when_off": {"run"}, "[mesh] scripts": {"any", mesh}, "[mesh] template_dir": {"", mesh},
		"[mesh] init_container": append([]string{"false"}, script...), "[mesh] startup_probe": append([]string{"false"}, script...),
		"[mesh] startup_timeout": append([]string{"5m"}, script...), "[mesh] slurm_setup_script": append([]string{"true"}, script...),
		"[mesh] image": append([]string{"busybox:1.37"}, script...), "[mesh] install": append([]string{"true"}, script...),
		"[mesh] privileged": append([]string{"true"}, script...), "[mesh] resources": append([]string{`{"requests":{"cpu":"50m"}}`}, script...),
		"[mesh] pod_ip": append([]string{"overlay"}, script...), "[mesh] tunnel": {"false", mesh},
		"[mesh] wstunnel_url": {"https://example.org/wstunnel", mesh}, "[mesh] wireguard_go_url": {"https://example.org/wireguard-go", mesh}, "[mesh] wg_url": {"https://example.org/wg", mesh},
		"[tcp_tunnel] enabled": {}, "[tcp_tunnel] bastion_namespace": {"other"}, "[tcp_tunnel] bastion_chart_path": {"/chart"},
		"[tcp_tunnel] gateway_host": {"gateway.example.org"}, "[tcp_tunnel] gateway_port": {"22"}, "[tcp_tunnel] gateway_user": {"other"},
		"[tcp_tunnel] gateway_ssh_host_key": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3lqjJGsGqAKGn3vrPfL2w0r6gJ8Jv6qJ5m6lY0m3nP"},
		"[tcp_tunnel] bastion_image":        {"example.org/bastion:1"}, "[tcp_tunnel] gateway_ssh_private_key": {},
	}
	return values
}()

// notTried are the options that have only one valid value, or whose value is a file that start reads.
var notTried = []string{"[app] api_versions", "[app] admin_token_file", "[offloading] namespace_template", "[tcp_tunnel] enabled", "[tcp_tunnel] gateway_ssh_private_key", "[mesh] template_dir"}

// Every option either takes effect when the file changes, exactly as after a restart, or changes nothing and is said to need
// a restart. Set back, the plugin is as it was.
func TestEveryOptionIsReloadedOrNeedsARestart(t *testing.T) {
	all := goldens(t)
	for _, option := range config.Options() {
		requests := all
		if !option.Reload { // what pods become has nothing to do with them
			requests = all[:10]
		}
		name := option.Name()
		values, known := otherValues[name]
		if !known {
			t.Errorf("%s has no row in otherValues", name)
			continue
		}
		if slices.Contains(notTried, name) {
			if option.Reload && name != "[mesh] template_dir" { // tested with files below
				t.Errorf("%s is reloaded, but not tried", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			base := map[string]string{}
			if option.Key != "unavailable_after" {
				base["[offloading] node_pods"] = "5"
			}
			for _, needed := range values[1:] {
				key, value, _ := strings.Cut(needed, "=")
				base[key] = value
			}
			r := newReloadable(t, base)
			before := r.behavior(requests)
			changed := maps.Clone(base)
			changed[name] = values[0]
			r.write(changed)
			r.reload(reload.Signal)
			if s := r.plugin.reloads.status(); s.failures > 0 {
				t.Fatalf("the value is not valid: %s", r.log)
			}
			after := r.behavior(requests)
			restart := r.plugin.reloads.status().restart
			if option.Reload {
				if after == before {
					t.Errorf("%s is reloaded, but nothing changes", name)
				}
				if after != newReloadable(t, changed).behavior(requests) {
					t.Errorf("%s has another effect than after a restart", name)
				}
				if len(restart) > 0 {
					t.Errorf("a restart is needed for %q", restart)
				}
			} else if after != before || !slices.Equal(restart, []string{name}) {
				t.Errorf("%s needs a restart, but something changes (%v), or it is not named: %q", name, after != before, restart)
			}
			r.write(base)
			r.reload(reload.Signal)
			if r.behavior(requests) != before || len(r.plugin.reloads.status().restart) > 0 {
				t.Errorf("%s is set back, but the plugin is not as it was", name)
			}
		})
	}
}
