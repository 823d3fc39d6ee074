package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/reload"
)

// A file with mistakes keeps the configuration before; the log says all of them, one line each, also those in the files that
// it names, and no secret.
func TestABadFileKeepsTheOldOne(t *testing.T) {
	r := newReloadable(t, map[string]string{"[offloading] node_pods": "5", "[log] level": "ERROR"})
	before := r.behavior(nil)
	rules := filepath.Join(t.TempDir(), "claims.yaml")
	if err := os.WriteFile(rules, []byte("- {claim: a}"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.writeText(`[app]
maintenance=maybe
[log]
level=DEBUG
[k8s]
kubeconfig={"users":[{"user":{"token":"s3cr3t"}}]
[offloading]
node_pods=-1
claims=` + rules + `
placement={"rules":3}
namespace_template=/does/not/exist
[tcp_tunnel]
enabled=true
gateway_host=gateway.example.org
gateway_port=22
gateway_ssh_private_key=s3cr3t
`)
	r.reload(reload.File)
	if got := r.behavior(nil); got != before {
		t.Error("something has changed: " + cmp.Diff(before, got))
	}
	log := r.log.String()
	for _, want := range []string{"[app] maintenance", "[k8s] kubeconfig", "[offloading] node_pods", "[offloading] claims " + rules, "[offloading] placement", "[offloading] namespace_template", "gateway_ssh_private_key"} {
		if strings.Count(log, `mistake="`+want) != 1 && strings.Count(log, `mistake="[tcp_tunnel] `+want) != 1 {
			t.Errorf("the log does not say once what is wrong with %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, "s3cr3t") {
		t.Errorf("the log shows a secret:\n%s", log)
	}
	if s := r.plugin.reloads.status(); s.failures != 7 || s.failed != 1 || s.done != 0 {
		t.Errorf("the status is %+v", s)
	}
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	r.reload(reload.Signal)
	if got := r.behavior(nil); got != before || r.plugin.reloads.status().failed != 2 {
		t.Error("a file that is missing counts as an empty one")
	}
	r.write(map[string]string{"[offloading] node_pods": "6"})
	r.reload(reload.Signal)
	if s := r.plugin.reloads.status(); s.failures != 0 || s.done != 1 || r.plugin.config().Offloading.NodePods != 6 {
		t.Errorf("after the mistakes are gone, the status is %+v", s)
	}
}

// The checks of readyz?verbose say whether the configuration has mistakes, waits for a restart, or is one of a maintenance;
// they show no value.
func TestTheChecksOfAReload(t *testing.T) {
	r := newReloadable(t, nil)
	for _, step := range []struct {
		options map[string]string
		lines   []string
	}{
		{nil, []string{"configuration: <nil> ", "maintenance: <nil> "}},
		{map[string]string{"[app] maintenance": "true"}, []string{"configuration: <nil> ", "maintenance: <nil> on, no new pods run"}},
		{map[string]string{"[app] instance": "s3cr3t"}, []string{"configuration: <nil> a restart is needed for [app] instance", "maintenance: <nil> "}},
		{map[string]string{"[offloading] node_pods": "s3cr3t"}, []string{
			"configuration: the last one has mistakes, and the one before is in use; the log has the mistakes a restart is needed for [app] instance", "maintenance: <nil> "}},
		{nil, []string{"configuration: <nil> ", "maintenance: <nil> "}},
	} {
		r.write(step.options)
		r.reload(reload.Signal)
		var lines []string
		for _, check := range r.plugin.reloadChecks() {
			lines = append(lines, fmt.Sprintf("%s: %v %s", check.Name, check.Check(t.Context()), check.Note()))
		}
		if diff := cmp.Diff(step.lines, lines); diff != "" {
			t.Errorf("with %v: %s", step.options, diff)
		}
	}
}

// Without a flag, the default file need not exist: it counts when it appears, and when it is gone again the plugin keeps what it had.
func TestAFileThatAppearsAndVanishes(t *testing.T) {
	r := newReloadable(t, nil)
	exists := false
	r.plugin.reloads.options.Read = func() (*config.ParseResult, error) {
		if exists {
			return r.read()
		}
		parsed, err := config.Parse([]string{"--config=" + os.DevNull}, nil)
		parsed.File = ""
		return parsed, err
	}
	r.plugin.reloads.file = ""
	r.write(map[string]string{"[offloading] node_pods": "5"})
	for _, step := range []struct {
		exists      bool
		pods, fails int
	}{{false, 0, 0}, {true, 5, 0}, {false, 5, 1}, {true, 5, 0}} {
		exists = step.exists
		r.reload(reload.File)
		if s := r.plugin.reloads.status(); r.plugin.config().Offloading.NodePods != step.pods || s.failures != step.fails {
			t.Errorf("with the file %t: %d pods, %d mistakes", step.exists, r.plugin.config().Offloading.NodePods, s.failures)
		}
	}
	if !strings.Contains(r.log.String(), "the configuration file "+r.file+" does not exist any more") {
		t.Errorf("the log is\n%s", r.log)
	}
}

// An option that is taken out of the file has its default again.
func TestAnOptionThatIsTakenOut(t *testing.T) {
	r := newReloadable(t, map[string]string{"[offloading] node_pods": "5", "[offloading] namespaces": "a,b", "[app] instance": "other", "[log] level": "ERROR"})
	r.write(nil)
	r.reload(reload.Signal)
	c, s := r.plugin.config(), r.plugin.reloads.status()
	if c.Offloading.NodePods != 0 || len(c.Offloading.Namespaces) != 0 || c.App.Instance != "other" || r.level.Level() != slog.LevelInfo || !slices.Equal(s.restart, []string{"[app] instance"}) {
		t.Errorf("%+v, %s, a restart for %q", c.Offloading, r.level.Level(), s.restart)
	}
}

// The values of flags and of the environment stay, whatever the file says.
func TestFlagsAndEnvironmentKeepTheirPrecedence(t *testing.T) {
	r := newReloadable(t, nil)
	r.plugin.reloads.options.Read = func() (*config.ParseResult, error) {
		return config.Parse([]string{"--config=" + r.file, "--offloading-node-pods=5"}, []string{"LOG_LEVEL=ERROR"})
	}
	r.reload(reload.Signal)
	before := r.behavior(nil)
	r.write(map[string]string{"[offloading] node_pods": "7", "[log] level": "DEBUG"})
	r.reload(reload.Signal)
	if got := r.behavior(nil); got != before {
		t.Error(cmp.Diff(before, got))
	}
	r.write(map[string]string{"[offloading] node_pods": "7", "[app] maintenance": "true"})
	r.reload(reload.Signal)
	if !r.plugin.config().App.Maintenance || r.plugin.config().Offloading.NodePods != 5 {
		t.Error("an option that the command line does not set is not reloaded, or another one is")
	}
}

// After any sequence of good and bad files, the plugin behaves as the last good one says.
func TestTheLastGoodFileCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 7))
	requests := goldens(t)[:5]
	r := newReloadable(t, nil)
	good := map[string]string{}
	for range 150 {
		next := map[string]string{}
		for name, values := range map[string][]string{
			"[app] maintenance": {"true", "false"}, "[log] level": {"DEBUG", "ERROR"}, "[offloading] node_pods": {"1", "2", "-2"},
			"[offloading] namespaces": {"demo", "other", "UPPER"}, "[offloading] placement": {`{"rules":[{"nodeSelector":{"a":"b"}}]}`, "/does/not/exist"},
			"[offloading] runtime_class": {"kata", "gvisor"}, "[mesh] enabled": {"true", "perhaps"},
		} {
			if random.IntN(3) == 0 {
				next[name] = values[random.IntN(len(values))]
			}
		}
		r.write(next)
		r.reload(reload.File)
		if r.plugin.reloads.status().failures == 0 {
			good = next
		}
		if random.IntN(10) == 0 {
			if got, want := r.behavior(requests), newReloadable(t, good).behavior(requests); got != want {
				t.Fatalf("after %v: %s", next, cmp.Diff(want, got))
			}
		}
	}
}

// The content of files of rules counts like the configuration file; the namespace template needs a restart. A mounted ConfigMap
// is replaced by a change of a symbolic link, and used within 10 s.
func TestFilesThatTheConfigurationNames(t *testing.T) {
	folder := t.TempDir()
	mount := func(version, rules, template string) {
		t.Helper()
		at := filepath.Join(folder, version)
		must(t, os.MkdirAll(at, 0o755))
		must(t, os.WriteFile(filepath.Join(at, "placement.yaml"), []byte(rules), 0o600))
		must(t, os.WriteFile(filepath.Join(at, "template.yaml"), []byte(template), 0o600))
		must(t, os.Symlink(version, filepath.Join(folder, "..new")))
		must(t, os.Rename(filepath.Join(folder, "..new"), filepath.Join(folder, "..data")))
	}
	limits := func(name string) string {
		return "apiVersion: v1\nkind: LimitRange\nmetadata: {name: " + name + "}\nspec: {limits: [{type: Container, default: {cpu: 1}}]}\n"
	}
	mount("1", "rules: [{nodeSelector: {pool: one}}]", limits("a"))
	r := newReloadable(t, map[string]string{
		"[offloading] placement":          filepath.Join(folder, "..data", "placement.yaml"),
		"[offloading] namespace_template": filepath.Join(folder, "..data", "template.yaml"),
		"[mesh] template_dir":             folder,
	})
	pool := func() string { return r.plugin.lifecycle.Site().Translate.PlacementRules.Rules[0].NodeSelector["pool"] }
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.plugin.runReloads(ctx); close(done) }()
		pass := func() { time.Sleep(10 * time.Second); synctest.Wait() }
		pass()
		if log := r.log.String(); log != "" {
			t.Errorf("nothing has changed, but the log is\n%s", log)
		}
		mount("2", "rules: [{nodeSelector: {pool: two}}]", limits("a"))
		pass()
		if pool() != "two" || !strings.Contains(r.log.String(), "[offloading] placement (content)") {
			t.Errorf("the rules are %q, and the log is\n%s", pool(), r.log)
		}
		mount("3", "rules: [{nodeSelector: {pool: three}}, {wrong: 1}]", limits("a"))
		pass()
		if pool() != "two" || r.plugin.reloads.status().failures != 1 {
			t.Errorf("the rules are %q, with mistakes", pool())
		}
		mount("4", "rules: [{nodeSelector: {pool: two}}]", limits("b"))
		pass()
		if s := r.plugin.reloads.status(); s.failures != 0 || !slices.Equal(s.restart, []string{"[offloading] namespace_template"}) {
			t.Errorf("the status is %+v", s)
		}
		mount("5", "rules: [{nodeSelector: {pool: two}}]", limits("a"))
		must(t, os.WriteFile(filepath.Join(folder, "script.sh"), []byte("cat <<'EOFMESH' > $TMPDIR/mesh.sh\n#!/bin/sh\n{{.IngressEndpoint}} {{.RandomPassword}} {{.WGInterfaceName}} {{.WGConfig}} {{.DNSServiceIP}} {{.WGMTU}} {{.PodCIDRCluster}} {{.ServiceCIDR}}\nEOFMESH\n"), 0o600))
		pass()
		if s := r.plugin.reloads.status(); s.failures != 0 || len(s.restart) > 0 || len(r.plugin.lifecycle.Site().Translate.MeshTexts) != 1 {
			t.Errorf("the status is %+v, with %d scripts", s, len(r.plugin.lifecycle.Site().Translate.MeshTexts))
		}
		cancel()
		<-done
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An option that needs a restart is said in the log once, until it changes again.
func TestARestartIsSaidOnce(t *testing.T) {
	r := newReloadable(t, nil)
	count := func(text string) int { return strings.Count(r.log.String(), text) }
	for _, step := range []struct {
		value      string
		said, back int
	}{{"a", 1, 0}, {"a", 1, 0}, {"b", 2, 0}, {"default", 2, 1}, {"b", 3, 1}} {
		r.write(map[string]string{"[app] instance": step.value, "[log] level": "DEBUG"})
		r.reload(reload.Signal)
		if said, back := count("needs a restart of the plugin"), count("needs no restart any more"); said != step.said || back != step.back {
			t.Fatalf("%s: said %d and back %d times, want %+v\n%s", step.value, said, back, step, r.log)
		}
	}
	if r.plugin.config().App.Instance != "default" || r.plugin.lifecycle.Site().Translate.Scope.Instance != "default" {
		t.Error("the instance has changed")
	}
}
