package reload

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// The names of what a reload changes.
func TestNext(t *testing.T) {
	type options struct {
		labels   config.LabelPolicy // reloaded
		instance string             // needs a restart
	}
	for _, test := range []struct {
		name    string
		reads   []options // the last one is the reload that counts
		want    Changes
		running options
		restart []string
	}{
		{"nothing", []options{{"prefix", "a"}}, Changes{}, options{"prefix", "a"}, nil},
		{"reloaded", []options{{"carry", "a"}}, Changes{Applied: []string{"[offloading] labels"}}, options{"carry", "a"}, nil},
		{"a restart", []options{{"prefix", "b"}}, Changes{Restart: []string{"[app] instance"}}, options{"prefix", "a"}, []string{"[app] instance"}},
		{"a restart is said once", []options{{"prefix", "b"}, {"carry", "b"}}, Changes{Applied: []string{"[offloading] labels"}}, options{"carry", "a"}, []string{"[app] instance"}},
		{"another value is said", []options{{"prefix", "b"}, {"prefix", "c"}}, Changes{Restart: []string{"[app] instance"}}, options{"prefix", "a"}, []string{"[app] instance"}},
		{"and back", []options{{"carry", "b"}, {"prefix", "a"}}, Changes{Applied: []string{"[offloading] labels"}, Back: []string{"[app] instance"}}, options{"prefix", "a"}, nil},
	} {
		of := func(o options) config.Config {
			c := config.Defaults()
			c.Offloading.Labels, c.App.Instance = o.labels, o.instance
			return c
		}
		state := Start(of(options{"prefix", "a"}))
		var changes Changes
		for _, read := range test.reads {
			state, changes = state.Next(of(read))
		}
		if diff := cmp.Diff(test.want, changes); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if diff := cmp.Diff(of(test.running), state.Running); diff != "" {
			t.Errorf("%s: it runs with %s", test.name, diff)
		}
		if got := state.Restart(); !slices.Equal(got, test.restart) {
			t.Errorf("%s: a restart for %q, want %q", test.name, got, test.restart)
		}
	}
}

// Whatever is read, the plugin runs with the reloaded options of the last configuration and with all others of the first.
func TestTheLastConfigurationCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	any := func() config.Config {
		c := config.Defaults()
		c.App.Maintenance, c.Mesh.Enabled = random.IntN(2) == 0, random.IntN(2) == 0
		c.Offloading.NodePods, c.Offloading.Namespaces = random.IntN(3), []string{"a", "b", "c"}[:random.IntN(4)]
		c.App.Instance, c.Offloading.OrphanGrace = []string{"a", "b"}[random.IntN(2)], time.Duration(random.IntN(3))
		return c
	}
	for range 500 {
		first := any()
		state, last := Start(first), first
		for range random.IntN(6) {
			last = any()
			state, _ = state.Next(last)
		}
		want := last
		want.App.Instance, want.Offloading.OrphanGrace = first.App.Instance, first.Offloading.OrphanGrace
		if len(config.Changes(state.Running, want)) > 0 {
			t.Fatal(cmp.Diff(want, state.Running))
		}
		if changed := len(state.Restart()) > 0; changed != (last.App.Instance != first.App.Instance || last.Offloading.OrphanGrace != first.Offloading.OrphanGrace) {
			t.Fatalf("a restart for %q", state.Restart())
		}
	}
}
