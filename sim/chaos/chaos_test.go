package chaos

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

// newChaos returns a Chaos on the API server that the tests share.
func newChaos(t *testing.T) *Chaos {
	t.Helper()
	c, err := New(t.Context(), Options{Server: apiserver.ForTestWithControllers(t), Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// A few cases of each kind of failure find nothing, and happen.
func TestMatrix(t *testing.T) {
	sample := 30
	if testkit.Race {
		sample = 15
	}
	outcomes, size, err := newChaos(t).Matrix(t.Context(), MatrixOptions{Sample: sample, Seed: 20261126, Parallel: 30})
	if err != nil {
		t.Fatal(err)
	}
	if size < 450 {
		t.Errorf("the matrix has %d cases, want at least 450", size)
	}
	notReached := 0
	for _, o := range outcomes {
		if !o.Reached {
			notReached++
		}
		for _, f := range o.Findings {
			t.Errorf("%s: %s: %s", o.Case, f.Kind, f.Text)
		}
	}
	if notReached > len(outcomes)/5 { // on a busy machine, a run can have other calls
		t.Errorf("%d of %d cases did not happen", notReached, len(outcomes))
	}
}

// The storms, smaller than those of make chaos, find nothing.
func TestStorms(t *testing.T) {
	c := newChaos(t)
	for _, storm := range Storms(SmallSizes()) {
		t.Run(storm.Name, func(t *testing.T) {
			t.Parallel()
			findings, summary, err := c.Storm(t.Context(), storm)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				t.Errorf("%s: %s", f.Kind, f.Text)
			}
			t.Log(summary)
		})
	}
}

// Two sites never have the same namespaces, also on the API server that the tests share.
func TestSitesHaveNamespacesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		c := newChaos(t)
		for range 2 {
			s, err := c.newSite()
			if err != nil {
				t.Fatal(err)
			}
			if seen[s.namespace("demo")] {
				t.Errorf("two sites have the namespace %s", s.namespace("demo"))
			}
			seen[s.namespace("demo")] = true
		}
	}
}

// A soak of seconds finds nothing, and reads the metrics.
func TestSoak(t *testing.T) {
	samples, findings, err := newChaos(t).Soak(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if !strings.Contains(f.Text, "in the middle of the soak") { // it is too short for that
			t.Errorf("%s: %s", f.Kind, f.Text)
		}
	}
	if last := samples[len(samples)-1]; last.Memory == 0 || last.Heap == 0 || last.Goroutines == 0 || last.Pods == 0 {
		t.Errorf("the last sample is %s", last)
	}
}

// A run is wrong in each way in which it can be.
func TestJudge(t *testing.T) {
	good := observation{
		Case: Case{Call: "POST pods", Nth: 1, Fault: "503"}, reached: true, answered: true, remotePods: 1,
		remoteName: "pod-uid", jobID: "pod-uid", runs: true, phases: []corev1.PodPhase{corev1.PodPending, corev1.PodRunning},
	}
	refused := func(fault, text string) func(*observation) {
		return func(o *observation) {
			o.Fault, o.answered, o.refusal = fault, false, text
			o.phases = []corev1.PodPhase{corev1.PodPending, corev1.PodFailed}
		}
	}
	for name, test := range map[string]struct {
		change func(*observation)
		want   []string // kinds
	}{
		"all is well":                     {func(*observation) {}, nil},
		"a second remote pod":             {func(o *observation) { o.remotePods = 2 }, []string{Doubled}},
		"a second one after a full quota": {func(o *observation) { o.Fault, o.remotePods = "403-quota", 2 }, nil},
		"a second one that ran":           {func(o *observation) { o.Fault, o.remotePods, o.ranPods = "403-quota", 2, 2 }, []string{Doubled}},
		"it does not run":                 {func(o *observation) { o.runs = false }, []string{Lost}},
		"no remote pod":                   {func(o *observation) { o.remoteName = "" }, []string{Lost, WrongID}},
		"a Secret is missing":             {func(o *observation) { o.missing = []string{"2 secrets, want 3"} }, []string{Lost}},
		"it started too early":            {func(o *observation) { o.early = "container main" }, []string{Lost}},
		"another job ID":                  {func(o *observation) { o.jobID = "another" }, []string{WrongID}},
		"no job ID":                       {func(o *observation) { o.jobID = "" }, []string{WrongID}},
		"an answer with another":          {func(o *observation) { o.wrongID = "OtherJobID" }, []string{WrongID}},
		"it shows Failed":                 {func(o *observation) { o.phases = append(o.phases, corev1.PodFailed) }, []string{Failed}},
		"it shows Succeeded":              {func(o *observation) { o.phases = append(o.phases, corev1.PodSucceeded) }, []string{Failed}},
		"a claim is left":                 {func(o *observation) { o.left = []string{"persistentvolumeclaims/data"} }, []string{Left}},
		"it does not stop":                {func(o *observation) { o.other = []string{"it does not end"} }, []string{Otherwise}},
		"a transient failure":             {refused("503", "failed on purpose"), []string{Failed}},
		"a final one":                     {refused("403-rights", "cannot do this"), nil},
		"a final one without words":       {refused("403-rights", "internal error"), []string{Failed}},
		"a final one of a delete": {func(o *observation) {
			refused("403-rights", "cannot do this")(o)
			o.Deleting = true
		}, []string{Failed}},
		"killed":                    {func(o *observation) { refused(killAfter, "")(o); o.Then = thenDeleted }, nil},
		"killed, and created again": {func(o *observation) { refused(killAfter, "")(o); o.Then = thenAgain }, []string{Failed}},
		"killed, and it did not happen": {func(o *observation) {
			refused(killAfter, "")(o)
			o.Then, o.reached = thenDeleted, false
		}, []string{Failed}},
		"killed, and forgotten, and Failed": {func(o *observation) {
			refused(killAfter, "")(o)
			o.Then, o.forgotten = thenForgotten, true
		}, []string{Failed}},
	} {
		o := good
		test.change(&o)
		var kinds []string
		for _, f := range judge(o) {
			kinds = append(kinds, f.Kind)
		}
		if !slices.Equal(kinds, test.want) {
			t.Errorf("%s: %v, want findings of the kinds %v", name, judge(o), test.want)
		}
	}
}

// Each call fails in each way that an API server has for it.
func TestCases(t *testing.T) {
	call := func(verb, resource string) faultproxy.Call { return faultproxy.Call{Verb: verb, Resource: resource} }
	all := cases([]faultproxy.Call{call(http.MethodPost, "namespaces"), call(http.MethodPost, "pods"), call(http.MethodPost, "pods"), call(http.MethodGet, "pods")},
		[]faultproxy.Call{call(http.MethodDelete, "pods")})
	var texts []string
	for _, c := range all {
		texts = append(texts, c.String())
	}
	slices.Sort(texts)
	if len(slices.Compact(slices.Clone(texts))) != len(texts) {
		t.Error("a case comes twice")
	}
	for text, want := range map[string]bool{
		"503 during a create, at POST pods #2, HTTP/2":                          true,
		"stall during a create, at POST pods #2, HTTP/1.1":                      true,
		"503 during a create, at POST pods #2, HTTP/1.1":                        false,
		"403-quota during a create, at POST pods #1, HTTP/2":                    true,
		"403-quota during a create, at POST namespaces #1, HTTP/2":              false,
		"403-quota during a create, at GET pods #1, HTTP/2":                     false,
		"403-service-account during a create, at POST namespaces #1, HTTP/2":    false,
		"kill-after during a create, at GET pods #1, HTTP/2, then not reported": true,
		"kill-before during a delete, at DELETE pods #1, HTTP/2":                true,
	} {
		if slices.Contains(texts, text) != want {
			t.Errorf("the matrix has the case %q: %v, want %v", text, !want, want)
		}
	}
}

// A sample has all faults, and is the same for the same seed.
func TestSample(t *testing.T) {
	call := faultproxy.Call{Verb: http.MethodPost, Resource: "pods"}
	all := cases([]faultproxy.Call{call, call, call}, nil)
	faults := map[string]bool{}
	for _, c := range all {
		faults[c.Fault] = true
	}
	chosen := map[string]bool{}
	for _, c := range sample(all, len(faults), 1) {
		chosen[c.Fault] = true
	}
	if len(chosen) != len(faults) {
		t.Errorf("%d of %d faults are chosen", len(chosen), len(faults))
	}
	if !slices.Equal(sample(all, 30, 1), sample(all, 30, 1)) || slices.Equal(sample(all, 30, 1), sample(all, 30, 2)) {
		t.Error("the sample does not follow from the seed")
	}
	if len(sample(all, 0, 1)) != len(all) {
		t.Error("without a number, not all are chosen")
	}
}

func TestWriteTable(t *testing.T) {
	var out bytes.Buffer
	findings, err := WriteTable(&out, []Outcome{
		{Case: Case{Fault: "503"}, Reached: true},
		{Case: Case{Fault: "503"}, Findings: []Finding{{Left, "a"}, {Left, "b"}, {Lost, "c"}}},
		{Case: Case{Fault: "401"}, Reached: true, Findings: []Finding{{WrongID, "d"}}},
	})
	const want = `
| fault | runs | did not happen | doubled | lost | left behind | wrongly ended | wrong job ID | other |
| ---   | ---  | ---            | ---     | ---  | ---         | ---           | ---          | ---   |
| 401   | 1    | 0              | 0       | 0    | 0           | 0             | 1            | 0     |
| 503   | 2    | 1              | 0       | 1    | 1           | 0             | 0            | 0     |
| all   | 3    | 1              | 0       | 1    | 1           | 0             | 1            | 0     |
`
	if err != nil || findings != 3 || "\n"+out.String() != want {
		t.Errorf("%d findings, %v\n%s", findings, err, &out)
	}
}

// Memory and goroutines that grow are found, and those that fill at the beginning are not.
func TestGrowth(t *testing.T) {
	soak := func(change func(*Sample, float64)) []Sample {
		all := make([]Sample, 60)
		for n := range all {
			all[n] = Sample{Memory: 50, Heap: 20, Goroutines: 100}
			change(&all[n], float64(n))
		}
		return all
	}
	for name, test := range map[string]struct {
		change func(*Sample, float64)
		want   string
	}{
		"level":                   {func(*Sample, float64) {}, ""},
		"filled at the beginning": {func(s *Sample, n float64) { s.Memory = min(50, 10+5*n) }, ""},
		"memory":                  {func(s *Sample, n float64) { s.Memory += 2 * n }, "MiB of resident memory"},
		"heap":                    {func(s *Sample, n float64) { s.Heap += 2 * n }, "MiB of heap"},
		"goroutines":              {func(s *Sample, n float64) { s.Goroutines += int(5 * n) }, "goroutines"},
	} {
		grown := strings.Join(growth(soak(test.change)), "; ")
		if (grown == "") != (test.want == "") || !strings.Contains(grown, test.want) {
			t.Errorf("%s: %q, want %q", name, grown, test.want)
		}
	}
}
