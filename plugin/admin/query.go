package admin

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is what a reader asks the table of pods for. What a query cannot say has its default: the address of the
// page may have been written by hand.
type query struct {
	text                   string // in a name or a namespace, in lower case
	phase, namespace, node string // empty: all
	sort                   string
	descending             bool
	page, size             int
}

const (
	// phaseStuck is the value of phase for the pods that somebody should look at.
	phaseStuck = "stuck"
	// maxQuery is the longest text of a parameter.
	maxQuery    = 253
	defaultSort = "age"
)

// sizes are the numbers of pods on a page; the first one is the default.
var sizes = []int{50, 100, 200}

// column is a column of the table. Its order is the one that a reader wants first.
type column struct {
	key, title string
	compare    func(a, b *Pod) int
}

// columns are the columns that the table can be sorted by, from left to right.
var columns = []column{
	{"name", "Pod", byName},
	{"phase", "Phase", func(a, b *Pod) int { return cmp.Compare(a.Phase, b.Phase) }},
	{"why", "Why", func(a, b *Pod) int { return cmp.Compare(b.Reason, a.Reason) }}, // those with a reason first
	{"node", "Node", func(a, b *Pod) int { return cmp.Compare(a.Node, b.Node) }},
	{"restarts", "Restarts", func(a, b *Pod) int { return cmp.Compare(b.Restarts, a.Restarts) }}, // most first
	{"age", "Age", func(a, b *Pod) int { return b.Created.Compare(a.Created) }},                  // youngest first
	{"polled", "Last poll", func(a, b *Pod) int { return a.Polled.Compare(b.Polled) }},           // longest ago first
}

func byName(a, b *Pod) int {
	if order := cmp.Compare(a.Name, b.Name); order != 0 {
		return order
	}
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.RemoteNamespace, b.RemoteNamespace), cmp.Compare(a.RemoteName, b.RemoteName))
}

// parseQuery reads the parameters of an address.
func parseQuery(values url.Values) query {
	get := func(name string) string {
		value := values.Get(name)
		if len(value) > maxQuery {
			return ""
		}
		return strings.TrimSpace(value)
	}
	number := func(name string) int {
		n, err := strconv.Atoi(get(name))
		if err != nil {
			return 0
		}
		return n
	}
	q := query{
		text: strings.ToLower(get("q")), phase: get("phase"), namespace: get("ns"), node: get("node"),
		sort: get("sort"), descending: get("dir") == "desc", page: max(1, number("page")), size: number("size"),
	}
	if !slices.Contains(sizes, q.size) {
		q.size = sizes[0]
	}
	if !slices.ContainsFunc(columns, func(c column) bool { return c.key == q.sort }) {
		q.sort, q.descending = defaultSort, false
	}
	return q
}

// with returns the address of the table after a change of the query. It has no parameter with its default.
func (q query) with(change func(*query)) string {
	changed := q
	changed.page = 1
	change(&changed)
	values := url.Values{}
	set := func(name, value, standard string) {
		if value != standard {
			values.Set(name, value)
		}
	}
	set("q", changed.text, "")
	set("phase", changed.phase, "")
	set("ns", changed.namespace, "")
	set("node", changed.node, "")
	set("sort", changed.sort, defaultSort)
	if changed.descending {
		values.Set("dir", "desc")
	}
	set("page", strconv.Itoa(changed.page), "1")
	set("size", strconv.Itoa(changed.size), strconv.Itoa(sizes[0]))
	if len(values) == 0 {
		return "/"
	}
	return "/?" + values.Encode()
}

// result is the part of the pods that a query asks for.
type result struct {
	pods []Pod // of this page
	// all is the number of pods, and found the number of those that match.
	all, found int
	page, last int
	// phases has the numbers of the pods of each phase that match the rest of the query.
	phases map[string]int
	// namespaces and nodes are those of all pods, sorted.
	namespaces, nodes []string
}

// apply searches, filters, sorts and pages.
func (q query) apply(pods []Pod) result {
	r := result{all: len(pods), phases: map[string]int{}}
	namespaces, nodes := map[string]struct{}{}, map[string]struct{}{}
	var matching []*Pod
	for i := range pods {
		pod := &pods[i]
		if pod.Namespace != "" {
			namespaces[pod.Namespace] = struct{}{}
		}
		if pod.Node != "" {
			nodes[pod.Node] = struct{}{}
		}
		if !q.matches(pod) {
			continue
		}
		r.phases[""]++
		r.phases[pod.Phase]++
		if pod.Stuck {
			r.phases[phaseStuck]++
		}
		if q.phase == "" || q.phase == pod.Phase || q.phase == phaseStuck && pod.Stuck {
			matching = append(matching, pod)
		}
	}
	r.namespaces, r.nodes = slices.Sorted(maps.Keys(namespaces)), slices.Sorted(maps.Keys(nodes))
	r.found = len(matching)
	for _, column := range columns {
		if column.key == q.sort {
			slices.SortFunc(matching, func(a, b *Pod) int {
				order := column.compare(a, b)
				if q.descending {
					order = -order
				}
				if order != 0 {
					return order
				}
				return byName(a, b)
			})
		}
	}
	r.last = max(1, (r.found+q.size-1)/q.size)
	r.page = min(q.page, r.last)
	first := (r.page - 1) * q.size
	for _, pod := range matching[first:min(first+q.size, r.found)] {
		r.pods = append(r.pods, *pod)
	}
	return r
}

// matches reports whether a pod matches the query apart from its phase.
func (q query) matches(pod *Pod) bool {
	if q.namespace != "" && pod.Namespace != q.namespace || q.node != "" && pod.Node != q.node {
		return false
	}
	if q.text == "" {
		return true
	}
	for _, text := range []string{pod.Name, pod.Namespace, pod.RemoteName, pod.RemoteNamespace, pod.Node, pod.Reason} {
		if strings.Contains(strings.ToLower(text), q.text) {
			return true
		}
	}
	return strings.Contains(pod.Namespace+"/"+pod.Name, q.text)
}
