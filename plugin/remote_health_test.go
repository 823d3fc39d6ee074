package plugin

import (
	"errors"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

func TestPingAnswer(t *testing.T) {
	now := time.Now()
	before := func(d time.Duration) cluster.Trouble {
		return cluster.Trouble{Since: now.Add(-d), Reason: errors.New("no")}
	}
	never := cluster.Trouble{}
	for _, test := range []struct {
		name          string
		pods          int
		after         time.Duration
		refused, away cluster.Trouble
		starting      bool
		want          string // the number of pods; "-" for an answer that does not say it, "fails" for an error
	}{
		{"without a number, accepted", 0, 0, never, never, false, "-"},
		{"without a number, refused", 0, 0, before(time.Hour), never, false, "-"},
		{"accepted", 100, 0, never, never, false, "100"},
		{"refused for a moment", 100, 0, before(refusedGrace - 1), never, false, "100"},
		{"refused", 100, 0, before(refusedGrace), never, false, "0"},
		{"refused from the start", 100, 0, before(0), never, true, "0"},
		{"not accepted yet", 100, 0, never, never, true, "100"},
		{"unreachable", 100, 0, never, before(time.Hour), false, "100"},
		{"unreachable from the start", 100, 0, never, before(time.Hour), true, "100"},
		{"refused, before the limit", 0, time.Minute, before(time.Minute - 1), never, false, "-"},
		{"refused, after the limit", 0, time.Minute, before(time.Minute), never, false, "fails"},
		{"unreachable, before the limit", 100, time.Minute, never, before(time.Minute - 1), false, "100"},
		{"unreachable, after the limit", 100, time.Minute, never, before(time.Minute), false, "fails"},
	} {
		cfg := config.Defaults()
		cfg.Offloading.NodePods, cfg.K8s.UnavailableAfter = test.pods, test.after
		got := "-"
		switch answer, err := pingAnswer(cfg, nil, test.refused, test.away, !test.starting, now); {
		case err != nil:
			got = "fails"
		case answer != nil:
			got = answer.Resources.Pods
		}
		if got != test.want {
			t.Errorf("%s: the ping says %s, want %s", test.name, got, test.want)
		}
	}
}
