package play

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// A profile can give each pod of a scenario more time.
func TestSlackPerPod(t *testing.T) {
	file := scenarios(t, "restart-virtual-kubelet")[0] // it has two pods
	spec := profile.Spec{Slack: metav1.Duration{Duration: time.Second}, SlackPerPod: metav1.Duration{Duration: 10 * time.Second}}
	options, err := Options{Plugin: "http://x", Profile: &profile.Profile{Spec: spec}}.complete()
	if err != nil {
		t.Fatal(err)
	}
	more := options.withSlackOf(file)
	if more.slack() != 21*time.Second || more.Patience != options.Patience+20*time.Second || more.Timeout != options.Timeout+40*time.Second || options.slack() != time.Second {
		t.Errorf("slack %s, patience %s, timeout %s", more.slack(), more.Patience, more.Timeout)
	}
}

func TestSchedule(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios/plain-pod.yaml", "../../fixtures/scenarios/restart-always.yaml", "../../fixtures/scenarios/quota-waits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// plain-pod starts for 2 s and runs for 20 s, restart-always has until: 90s.
	for _, c := range []struct {
		options       Options
		about, atMost time.Duration
	}{
		{Options{Plugin: "http://127.0.0.1:1", Parallel: 1, Patience: time.Minute}, 132 * time.Second, 252 * time.Second},
		{Options{Plugin: "http://127.0.0.1:1", Parallel: 2, Patience: time.Minute, Timeout: 2 * time.Minute}, 100 * time.Second, 2 * time.Minute},
		{Options{Parallel: 2}, 0, 0}, // no real time passes
	} {
		s, err := NewSchedule(files, c.options)
		if err != nil {
			t.Fatal(err)
		}
		if s.About != c.about || s.AtMost != c.atMost {
			t.Errorf("%+v: about %s, at most %s", c, s.About, s.AtMost)
		}
		for _, p := range s.Scenarios {
			if skipped := p.File.Name == "quota-waits" && c.options.Plugin != ""; (p.Skipped != "") != skipped {
				t.Errorf("%s: skipped because of %q", p.File.Name, p.Skipped)
			}
		}
	}
	if _, err := NewSchedule(files, Options{Speed: -1}); err == nil {
		t.Error("invalid options are accepted")
	}
}

func TestRunsFor(t *testing.T) {
	for _, c := range []struct {
		codes []int32
		want  time.Duration
	}{{nil, 2 * time.Second}, {[]int32{0}, 2 * time.Second}, {[]int32{1, 0}, 3 * time.Second}, {[]int32{1, 1, 0}, 14 * time.Second}, {[]int32{1, 1, 1, 0}, 35 * time.Second}} {
		if got := runsFor(scenario.Container{ExitCodes: c.codes}); got != c.want {
			t.Errorf("%v: %s, want %s", c.codes, got, c.want)
		}
	}
}
