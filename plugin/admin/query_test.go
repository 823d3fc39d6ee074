package admin

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) query {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return parseQuery(values)
}

func TestAddressesThatAreWrongHaveDefaults(t *testing.T) {
	standard := query{sort: defaultSort, page: 1, size: sizes[0]}
	for _, text := range []string{
		"", "page=-1", "page=0", "page=x", "page=99999999999999999999", "size=7", "size=-50", "size=1000000", "sort=unknown", "sort=unknown&dir=desc",
		"dir=sideways", "q=" + strings.Repeat("a", 300), "ns=" + strings.Repeat("a", 300), "unknown=1", "page=1&page=2",
	} {
		if got := parse(t, text); got != standard {
			t.Errorf("%.40q is read as %+v", text, got)
		}
	}
	got := parse(t, "q=+ResNet+&phase=Failed&ns=bio&node=n1&sort=restarts&dir=desc&page=3&size=200")
	want := query{text: "resnet", phase: "Failed", namespace: "bio", node: "n1", sort: "restarts", descending: true, page: 3, size: 200}
	if got != want {
		t.Errorf("the query is %+v", got)
	}
	if address := got.with(func(q *query) { q.page = 3 }); parse(t, strings.TrimPrefix(address, "/?")) != want {
		t.Errorf("%s is another query", address)
	}
	if got.with(func(*query) {}) == got.with(func(q *query) { q.page = 3 }) {
		t.Error("a link to another sort does not go to the first page")
	}
}

func TestPages(t *testing.T) {
	pods := samplePods(5000)
	seen := map[string]bool{}
	for page := 1; page <= 101; page++ {
		r := parse(t, "sort=name&page="+strconv.Itoa(page)).apply(slices.Clone(pods))
		if r.all != 5000 || r.found != 5000 || r.last != 100 || r.page != min(page, 100) || len(r.pods) != 50 {
			t.Fatalf("page %d: %d of %d pods, page %d of %d, %d pods", page, r.found, r.all, r.page, r.last, len(r.pods))
		}
		if !slices.IsSortedFunc(r.pods, func(a, b Pod) int { return byName(&a, &b) }) {
			t.Errorf("page %d is not sorted", page)
		}
		for _, pod := range r.pods {
			seen[pod.Name] = true
		}
	}
	if len(seen) != 5000 {
		t.Errorf("all pages together have %d pods", len(seen))
	}
	if r := parse(t, "page=5").apply(nil); r.page != 1 || r.last != 1 || len(r.pods) != 0 {
		t.Errorf("no pods: page %d of %d", r.page, r.last)
	}
}

func TestSearchAndFilters(t *testing.T) {
	pods := samplePods(5000)
	for text, matches := range map[string]func(Pod) bool{
		"q=RESNET":                      func(p Pod) bool { return strings.Contains(p.Name, "resnet") },
		"q=imagepull":                   func(p Pod) bool { return p.Reason == "ImagePullBackOff" },
		"q=bio/align":                   func(p Pod) bool { return p.Namespace == "bio" && strings.HasPrefix(p.Name, "align") },
		"q=gpu-worker-07":               func(p Pod) bool { return p.Node == "gpu-worker-07" },
		"ns=bio":                        func(p Pod) bool { return p.Namespace == "bio" },
		"node=gpu-worker-01&ns=bio":     func(p Pod) bool { return p.Namespace == "bio" && p.Node == "gpu-worker-01" },
		"phase=Failed":                  func(p Pod) bool { return p.Phase == "Failed" },
		"phase=stuck":                   func(p Pod) bool { return p.Stuck },
		"phase=Waiting&q=quotaexceeded": func(p Pod) bool { return p.Phase == PhaseWaiting },
		"phase=None":                    func(Pod) bool { return false },
		"q=%00%ff%3Cscript%3E":          func(Pod) bool { return false },
	} {
		q := parse(t, text+"&size=200")
		want := 0
		for _, pod := range pods {
			if matches(pod) {
				want++
			}
		}
		r := q.apply(slices.Clone(pods))
		if r.found != want {
			t.Errorf("%s finds %d pods, want %d", text, r.found, want)
		}
		for _, pod := range r.pods {
			if !matches(pod) {
				t.Errorf("%s finds %+v", text, pod)
			}
		}
		if r.all != 5000 || len(r.namespaces) != 6 || len(r.nodes) != 24 {
			t.Errorf("%s: %d pods, %d namespaces, %d nodes", text, r.all, len(r.namespaces), len(r.nodes))
		}
	}
	// The tabs count what the rest of the query finds, whichever phase is chosen.
	a, b := parse(t, "ns=bio&phase=Failed").apply(slices.Clone(pods)), parse(t, "ns=bio").apply(slices.Clone(pods))
	if a.phases["Failed"] != a.found || a.phases[""] != b.found || a.phases[phaseStuck] != b.phases[phaseStuck] {
		t.Errorf("the tabs count %v and %v", a.phases, b.phases)
	}
}

func TestEachColumnSorts(t *testing.T) {
	pods := samplePods(500)
	for _, column := range columns {
		up := parse(t, "size=200&sort="+column.key).apply(slices.Clone(pods))
		down := parse(t, "size=200&dir=desc&sort="+column.key).apply(slices.Clone(pods))
		for i, pod := range up.pods[1:] {
			if column.compare(&up.pods[i], &pod) > 0 {
				t.Errorf("%s: %+v is before %+v", column.key, up.pods[i], pod)
			}
		}
		for i, pod := range down.pods[1:] {
			if column.compare(&down.pods[i], &pod) < 0 {
				t.Errorf("%s, descending: %+v is before %+v", column.key, down.pods[i], pod)
			}
		}
		if column.compare(&up.pods[0], &down.pods[0]) == 0 {
			t.Errorf("%s does not sort", column.key)
		}
	}
}

func TestAges(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Minute: "0s", 0: "0s", 119 * time.Second: "119s", 121 * time.Second: "2m1s", 10 * time.Minute: "10m", 179 * time.Minute: "179m",
		3*time.Hour + 5*time.Minute: "3h5m", 9 * time.Hour: "9h", 47 * time.Hour: "47h", 50 * time.Hour: "2d2h", 100 * 24 * time.Hour: "100d", 800 * 24 * time.Hour: "2y70d",
	} {
		if got := ageOf(d); got != want {
			t.Errorf("ageOf(%s) = %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s, want %s", n, got, want)
		}
	}
}
