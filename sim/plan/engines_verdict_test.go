package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

// The verdicts.
const (
	asItIs       = "works as it is"
	withSettings = "works with these settings"
	cannotWork   = "cannot work"
)

// runs are the reports of an engine's pods: with the default settings, with those of the engine,
// and of the pods that cannot work.
type runs struct{ defaults, set, impossible []plan.Report }

// check returns what is wrong with the file of an engine: another verdict follows from the
// reports, they say something that the file does not name, or they do not say what it names.
func (e *engine) check(r runs, rule func(string) string) []string {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	e.accepted = map[string][]string{}
	e.lost = e.problems(r.defaults)
	clear(e.accepted) // the page has those of the second run
	after := e.problems(r.set)
	verdict := withSettings
	switch {
	case len(e.lost) == 0:
		verdict = asItIs
	case len(after) > 0:
		verdict = cannotWork
	}
	if e.Verdict != verdict {
		add("the verdict in the file is %q, but from what plan says follows %q; with the default settings: %q; with those of the file: %q", e.Verdict, verdict, e.lost, after)
	}
	var proofs []string // of what plan says
	for _, limit := range e.Cannot {
		if limit.Rule == "" {
			proofs = append(proofs, limit.Proof)
		}
	}
	for _, text := range e.lost {
		if !containsAny(text, e.Without) && !containsAny(text, proofs) {
			add("with the default settings plan says %q, which neither without nor cannot names", text)
		}
	}
	for _, text := range after {
		if !containsAny(text, proofs) {
			add("with the settings of the file plan says %q: name it in cannot, or accept it with a reason if it does no harm", text)
		}
	}
	for i := range r.impossible {
		texts := e.problems(r.impossible[i : i+1])
		if len(texts) == 0 {
			add("nothing is wrong with pod %s of pods-cannot.yaml", r.impossible[i].Pod)
		}
		for _, text := range texts {
			if !containsAny(text, proofs) {
				add("of a pod in pods-cannot.yaml plan says %q, which cannot does not name", text)
			}
		}
	}
	said := textsOf(slices.Concat(r.defaults, r.set, r.impossible))
	for _, limit := range e.Cannot {
		texts := said
		if limit.Rule != "" {
			texts = []string{rule(limit.Rule)}
		}
		if limit.Proof == "" || !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, limit.Proof) }) {
			add("nothing proves %q: neither plan nor a rule says %q", limit.What, limit.Proof)
		}
	}
	for _, text := range e.Without {
		if text == "" || !slices.ContainsFunc(e.lost, func(lost string) bool { return strings.Contains(lost, text) }) {
			add("with the default settings plan does not say %q, which without names", text)
		}
	}
	for _, a := range e.Accepted {
		if len(e.accepted[a.Text]) == 0 || a.Because == "" {
			add("no warning or hint contains %q, which is accepted because %q", a.Text, a.Because)
		}
	}
	for _, service := range e.selecting() {
		if !slices.ContainsFunc(e.Needs, func(need string) bool {
			return strings.HasPrefix(need, "All pods of Service") && strings.Contains(need, "`"+service+"`")
		}) {
			add("the hint about Service %s is accepted, but needs do not say that all pods of it are offloaded: the endpoints of the others would not be updated", service)
		}
	}
	for _, pod := range slices.Sorted(maps.Keys(e.Placement)) {
		for _, field := range slices.Sorted(maps.Keys(e.Placement[pod])) {
			if got, want := placementOf(r.set, pod, field), e.Placement[pod][field]; got != want {
				add("%s of pod %s becomes %q, want %q", field, pod, got, want)
			}
		}
	}
	for _, name := range e.Services {
		if !hasService(r.set, name) {
			add("there is no remote Service %s", name)
		}
	}
	return wrong
}

// selecting returns the Services whose hint is accepted.
func (e *engine) selecting() []string {
	var services []string
	for _, a := range e.Accepted {
		for _, text := range e.accepted[a.Text] {
			if name, ok := strings.CutPrefix(text, "Service "); ok {
				if name, _, ok = strings.Cut(name, " selects the pod"); ok {
					services = append(services, name)
				}
			}
		}
	}
	return services
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return part != "" && strings.Contains(text, part) })
}

// textsOf returns all that plan says of pods.
func textsOf(reports []plan.Report) []string {
	var all []string
	for _, r := range reports {
		all = slices.Concat(all, []string{r.Reason}, r.Refusals, r.Warnings, r.Hints)
	}
	return all
}

// problems returns what is lost or does not work for pods, unless it is accepted; each text once.
func (e *engine) problems(reports []plan.Report) []string {
	var all []string
	add := func(text string) {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for i := range reports {
		report := &reports[i]
		if !report.Sent {
			add(report.Reason)
		}
		for _, refusal := range report.Refusals { // no reason makes these harmless
			add(refusal)
		}
		for _, text := range slices.Concat(report.Hints, report.Warnings) {
			if !e.accepts(text) {
				add(text)
			}
		}
		for _, variable := range report.Variables { // of a field that nothing restores
			if variable.Becomes == "lost" || variable.Becomes == `the text ""` || variable.Becomes == `the text "127.0.0.1"` {
				add(fmt.Sprintf("variable %s of container %s: %s", variable.Name, variable.Container, variable.Becomes))
			}
		}
	}
	return all
}

func (e *engine) accepts(text string) bool {
	for _, a := range e.Accepted {
		if a.Text != "" && strings.Contains(text, a.Text) {
			if !slices.Contains(e.accepted[a.Text], text) {
				e.accepted[a.Text] = append(e.accepted[a.Text], text)
			}
			return true
		}
	}
	return false
}

// placementOf says what becomes of a field of a pod's placement, or "".
func placementOf(reports []plan.Report, pod, field string) string {
	for _, report := range reports {
		for _, part := range report.Placement {
			if report.Pod == pod && part.Name == field {
				return part.Becomes
			}
		}
	}
	return ""
}

// hasService reports whether the plugin creates a remote Service of this name for a pod.
func hasService(reports []plan.Report, name string) bool {
	for _, report := range reports {
		for _, text := range report.Objects {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := json.Unmarshal(text, &object); err == nil && object.Kind == "Service" && object.Metadata.Name == name {
				return true
			}
		}
	}
	return false
}

// contractRule returns a function that returns the line of a rule in docs/contract.md, or "".
func contractRule(t *testing.T) func(string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	return func(rule string) string {
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, `<a id="`+strings.ToLower(rule)+`"></a>`) {
				return line
			}
		}
		return ""
	}
}

// TestCheckOfEngines: a verdict needs a proof, and has no other cause than those of the file.
func TestCheckOfEngines(t *testing.T) {
	report := func(text string) []plan.Report { return []plan.Report{{Sent: true, Hints: []string{text}}} }
	refused := []plan.Report{{Pod: "a/b", Sent: true, Refusals: []string{"no privileged pods"}}}
	quiet := []plan.Report{{Pod: "a/b", Sent: true}}
	claim := []string{"claim"}
	accepted := func(text string) []acceptance { return []acceptance{{text, "a reason"}} }
	for _, test := range []struct {
		name   string
		engine engine
		runs   runs
		want   []string
	}{
		{"as it is", engine{Verdict: asItIs}, runs{quiet, quiet, nil}, nil},
		{"settings", engine{Verdict: withSettings, Without: claim}, runs{report("no claim c"), quiet, nil}, nil},
		{"cannot", engine{Verdict: cannotWork, Cannot: []limit{{What: "all", Proof: "exec"}}}, runs{report("by exec"), report("by exec"), nil}, nil},
		{
			"a refusal flips the verdict", engine{Verdict: asItIs}, runs{refused, refused, nil},
			[]string{"the verdict in the file", `"no privileged pods", which neither`, `"no privileged pods": name it`},
		},
		{
			"another refusal than the one that is named", engine{Verdict: cannotWork, Cannot: []limit{{What: "all", Proof: "exec"}}},
			runs{report("by exec"), slices.Concat(report("by exec"), refused), nil}, []string{`"no privileged pods": name it`},
		},
		{
			"settings that nothing asks for", engine{Verdict: asItIs, Without: claim}, runs{quiet, quiet, nil},
			[]string{`does not say "claim"`},
		},
		{
			"a loss that is not named", engine{Verdict: withSettings}, runs{report("no claim c"), quiet, nil},
			[]string{`"no claim c", which neither`},
		},
		{
			"no proof", engine{Verdict: asItIs, Cannot: []limit{{What: "stop"}}}, runs{quiet, quiet, nil},
			[]string{`nothing proves "stop"`},
		},
		{
			"words that nothing says", engine{Verdict: asItIs, Cannot: []limit{{What: "stop", Proof: "exec"}}}, runs{quiet, quiet, nil},
			[]string{`nothing proves "stop": neither plan nor a rule says "exec"`},
		},
		{"a rule", engine{Verdict: asItIs, Cannot: []limit{{What: "stop", Proof: "501", Rule: "NET-6"}}}, runs{quiet, quiet, nil}, nil},
		{
			"a rule that says something else", engine{Verdict: asItIs, Cannot: []limit{{What: "stop", Proof: "404", Rule: "NET-6"}}}, runs{quiet, quiet, nil},
			[]string{`nothing proves "stop"`},
		},
		{
			"a rule that is not there", engine{Verdict: asItIs, Cannot: []limit{{What: "stop", Proof: "501", Rule: "none"}}}, runs{quiet, quiet, nil},
			[]string{`nothing proves "stop"`},
		},
		{
			"pods that work", engine{Verdict: asItIs}, runs{quiet, quiet, quiet},
			[]string{"nothing is wrong with pod a/b"},
		},
		{
			"pods that fail for another reason", engine{Verdict: asItIs, Cannot: []limit{{What: "stop", Proof: "exec"}}},
			runs{quiet, quiet, slices.Concat(report("by exec"), refused)}, []string{`of a pod in pods-cannot.yaml plan says "no privileged pods"`},
		},
		{
			"a placement", engine{Verdict: asItIs, Placement: map[string]map[string]string{"a/b": {"runtimeClassName": "none -> x"}}},
			runs{quiet, []plan.Report{{Pod: "a/b", Sent: true, Placement: []plan.Part{{Name: "runtimeClassName", Becomes: "none -> x"}}}}, nil}, nil,
		},
		{
			"another placement", engine{Verdict: asItIs, Placement: map[string]map[string]string{"a/b": {"runtimeClassName": "none -> x"}}}, runs{quiet, quiet, nil},
			[]string{`runtimeClassName of pod a/b becomes "", want "none -> x"`},
		},
		{
			"a Service with local pods", engine{Verdict: asItIs, Accepted: accepted("Service s selects the pod")}, runs{report("Service s selects the pod: "), report("Service s selects the pod: "), nil},
			[]string{"needs do not say that all pods of it are offloaded"},
		},
		{
			"a Service without local pods", engine{Verdict: asItIs, Accepted: accepted("Service s selects the pod"), Needs: []string{"All pods of Service `s` are offloaded."}},
			runs{report("Service s selects the pod: "), report("Service s selects the pod: "), nil}, nil,
		},
		{"no Service", engine{Verdict: asItIs, Services: []string{"s"}}, runs{quiet, quiet, nil}, []string{"there is no remote Service s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.engine.check(test.runs, func(rule string) string { return map[string]string{"NET-6": "exec is answered with 501"}[rule] })
			if len(got) == len(test.want) {
				for i := range got {
					if !strings.Contains(got[i], test.want[i]) {
						t.Errorf("%q does not contain %q", got[i], test.want[i])
					}
				}
				return
			}
			t.Errorf("problems (-want +got)\n%s", cmp.Diff(test.want, got))
		})
	}
}
