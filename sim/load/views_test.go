package load

import (
	"errors"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// An answer without a pod, or that cannot be used, changes nothing in the local cluster:
// the state becomes older.
func TestViewsOfACycle(t *testing.T) {
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	created := time.Now().Add(-time.Hour)
	l := &loadTest{kubelet: kubelet, meter: newMeter(), shown: map[string]time.Time{"good": created, "left-out": created, "wrong": created}}
	cycle := errors.Join(
		&virtualkubelet.StaleStatus{Pod: "left-out", UID: "1", Created: true, Rule: "STATUS-11"},
		&virtualkubelet.StaleStatus{Pod: "wrong", UID: "2", Created: true, Rule: "STATUS-10"},
		&virtualkubelet.StaleStatus{Pod: "not-created-yet", UID: "3", Rule: "STATUS-11"},
	)
	begun := time.Now()
	l.countViews(l.polled(), begun, cycle)
	l.countViews(l.polled(), begun, cycle)
	result := l.meter.result(Options{}, Pods{}, time.Second)
	if want := (LeftOut{Answers: 2, Pods: 1}); result.LeftOut != want {
		t.Errorf("left out %+v, want %+v", result.LeftOut, want)
	}
	// The first answer replaced a state of an hour ago, the second one that of the first cycle.
	if age := result.StatusAge; age.Count != 2 || age.Age.Max < 3600_000 || age.Age.P50 >= 3600_000 {
		t.Errorf("ages %+v", age)
	}
	if l.shown["wrong"] != created || l.shown["good"] != begun {
		t.Errorf("the states are shown since %v", l.shown)
	}
}
