package load

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// Two plugins get the same load; one of them fails its deletes.
func TestCompare(t *testing.T) {
	good, bad := fakePlugin(t, faults{}), fakePlugin(t, faults{delete: answer500})
	c, err := Compare(t.Context(), Options{Plugin: good, Pods: 10, Concurrency: 5, Interval: time.Millisecond, CallTimeout: testkit.Timeout, Wait: testkit.Timeout}, bad)
	if err != nil {
		t.Fatal(err)
	}
	if c.First.Plugin != good || c.Second.Plugin != bad || c.First.Failed() || !c.Second.Failed() || !c.Failed() {
		t.Errorf("%+v\n%+v", c.First, c.Second)
	}
	for _, r := range []*Result{c.First, c.Second} {
		if r.Pods.Requested != 10 || r.Pods.Succeeded != 10 || calls(r, callCreate).Count != 10 || calls(r, callDelete).Count != 10 {
			t.Errorf("%+v", r)
		}
	}
	var table, text bytes.Buffer
	if err := c.Table(&table); err != nil {
		t.Errorf("%v\n%s", err, &table)
	}
	words := strings.Join(strings.Fields(table.String()), " ")
	for _, want := range []string{"first second ratio", "DeletePod errors 0 10 0.00 0.00 to 0.00 less", "pods succeeded 10 10 1.00 1.00 to 1.00 more"} {
		if !strings.Contains(words, want) {
			t.Errorf("the table does not contain %q:\n%s", want, &table)
		}
	}
	var decoded Comparison
	if err := c.JSON(&text); err != nil || json.Unmarshal(text.Bytes(), &decoded) != nil || decoded.Second.Pods != c.Second.Pods {
		t.Errorf("%v\n%s", err, &text)
	}
	if _, err := Compare(t.Context(), Options{Plugin: good, Pods: 1, Concurrency: 1}, "unix:///does/not/exist"); err == nil {
		t.Error("a second plugin that is not there is accepted")
	}
}

// The table shows how much the rounds differ.
func TestRatiosOfRounds(t *testing.T) {
	succeeded := func(n ...int) (rounds []*Result) {
		for _, n := range n {
			rounds = append(rounds, &Result{Pods: Pods{Succeeded: n}})
		}
		return rounds
	}
	of := func(r *Result) float64 { return float64(r.Pods.Succeeded) }
	for _, c := range []struct {
		first, second []*Result
		want          string
	}{
		{succeeded(5, 10, 30), succeeded(10, 10, 10), "0.50 to 3.00"},
		{succeeded(5, 10, 30), succeeded(10), "0.50 to 0.50"}, // interrupted
		{succeeded(5, 10), succeeded(0, 10), "1.00 to 1.00"},
		{succeeded(5), succeeded(0), "-"},
	} {
		if got := (&Comparison{firstRounds: c.first, secondRounds: c.second}).ratios(of); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
