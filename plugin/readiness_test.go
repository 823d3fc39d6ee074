package plugin

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

// A check in the background says that it has not run, then what the last run found. It runs again sooner after a
// failure; a run that hangs ends; and after the end of the plugin no run begins, and the one that ends has no result.
func TestACheckRunsInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forbidden := errors.New("403")
		var at []time.Duration // when a run begins
		begin := time.Now()
		var next atomic.Value // func(context.Context) error
		check := &backgroundCheck{every: 10 * time.Minute, again: time.Minute, timeout: 20 * time.Second, check: func(ctx context.Context) error {
			at = append(at, time.Since(begin))
			return next.Load().(func(context.Context) error)(ctx)
		}}
		hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		next.Store(hangs)
		expect := func(what string, want error) {
			t.Helper()
			synctest.Wait()
			if got := check.result(); !errors.Is(got, want) || want == nil && got != nil {
				t.Errorf("%s, the result is %v, want %v", what, got, want)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { check.run(ctx); close(ended) }()
		expect("during the first run", errNotChecked)
		time.Sleep(20 * time.Second)
		expect("after a run that hung", context.DeadlineExceeded)
		next.Store(func(context.Context) error { return forbidden })
		time.Sleep(time.Minute)
		expect("after a refusal", forbidden)
		next.Store(func(context.Context) error { return nil })
		time.Sleep(time.Minute)
		expect("after a success", nil)
		next.Store(hangs)
		time.Sleep(10 * time.Minute)
		expect("during a run", nil)
		stop()
		<-ended
		expect("after the end", nil)
		time.Sleep(time.Hour)
		if want := []time.Duration{0, 80 * time.Second, 140 * time.Second, 740 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("it runs at %v, want %v", at, want)
		}
		ctx, stop = context.WithCancel(t.Context()) // it ends also between two runs
		next.Store(func(context.Context) error { return nil })
		ended = make(chan struct{})
		go func() { check.run(ctx); close(ended) }()
		synctest.Wait()
		stop()
		<-ended
	})
}

// The answer names no file of credentials, and quotes none.
func TestTheCheckOfCredentials(t *testing.T) {
	read := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	for name, c := range map[string]struct {
		credentials cluster.Credentials
		want        string
	}{
		"readable":   {cluster.Credentials{Loaded: read, Read: read}, ""},
		"unreadable": {cluster.Credentials{Loaded: read, Read: read, Failure: "yaml: token: s3cret"}, "the newest cannot be read, the last that could be are of 2026-03-01T11:00:00Z; the log says why"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := readable(c.credentials); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("the check says %q, want %q", got, c.want)
			}
		})
	}
}

// The checks are those of the configuration, and only what is required counts. A client in memory has none.
func TestWhichChecksThereAre(t *testing.T) {
	fakeClient := fake.NewClientset()
	remote, err := cluster.New(fakeClient, "", status.CachedFields, testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	connected := &Client{Connection: &cluster.Connection{}}
	for name, c := range map[string]struct {
		change func(*config.Config)
		want   []string
	}{
		"defaults": {func(*config.Config) {}, []string{"credentials", "rights"}},
		"tunnels":  {func(cfg *config.Config) { cfg.TCPTunnel.Enabled, cfg.TCPTunnel.BastionNamespace = true, "b" }, []string{"credentials", "rights", "tunnel-releases"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Defaults()
			c.change(&cfg)
			r := newReadiness(cfg, remote, connected, nil, testkit.NewLog(t).Logger())
			var names []string
			for _, check := range r.checks() {
				names = append(names, check.Name)
				if check.Name != "credentials" && !errors.Is(check.Check(t.Context()), errNotChecked) {
					t.Errorf("%s does not say that it has not run", check.Name)
				}
			}
			if !slices.Equal(names, c.want) {
				t.Errorf("the checks are %q, want %q", names, c.want)
			}
			for _, permission := range RequiredPermissions(cfg, nil) {
				if slices.Contains(r.required, permission) == permission.Optional {
					t.Errorf("the right to %s, optional %v, is asked for: %v", permission, permission.Optional, permission.Optional)
				}
			}
		})
	}
	r := newReadiness(config.Defaults(), remote, fakeClient, nil, testkit.NewLog(t).Logger())
	if checks := r.checks(); len(checks) > 0 {
		t.Errorf("a client in memory has %d checks", len(checks))
	}
	r.run(t.Context()) // returns at once
	if err := r.countReleases(t.Context()); !errdefs.Is(err, errdefs.Refused) || r.counted.Load() != 0 {
		t.Errorf("a client that lists no metadata counts %d releases: %v", r.counted.Load(), err)
	}
}
