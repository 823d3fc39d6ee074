package admin

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// functions are what the templates call.
var functions = template.FuncMap{"count": count, "number": number, "lower": strings.ToLower}

// maxChoices is the most namespaces, or nodes, that a reader can choose from a list. The search finds the others.
const maxChoices = 500

// maxMessage is how much of a message a row of the table shows; the page of the pod has all of it.
const maxMessage = 240

// podsPage is the first page: the state of the plugin, and the table of pods.
type podsPage struct {
	Overview
	// Failing are the checks that do not hold.
	Failing []Check
	Query   queryView
	Tabs    []tab
	Columns []columnView
	Rows    []row
	// Found says how many pods match.
	Found             string
	Namespaces, Nodes []string
	// Previous and Next are addresses; empty if there is no such page. Position says which pods are shown.
	Previous, Next, Position string
}

// queryView is the query, for the form.
type queryView struct {
	Text, Namespace, Node string
	// Kept are the parameters that the form has no field for.
	Kept []link
	// Any is true if the query leaves out pods; All is the address without it.
	Any bool
	All string
}

// tab is a link that shows the pods of one phase.
type tab struct {
	Title, Link, Level string
	Count              string
	Current            bool
}

// columnView is the head of a column. Sorted is the value of aria-sort.
type columnView struct{ Key, Title, Link, Sorted string }

// row is a pod as the table shows it.
type row struct {
	Pod
	Link, Message string
	Age, Polled   stamp
	Level         Level
}

// phases are the phases in the order of the tabs.
var phases = []string{"Running", "Pending", PhaseWaiting, PhaseTerminating, "Succeeded", "Failed", "Unknown"}

// showPods serves the first page.
func (h *Handler) showPods(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	found := q.apply(h.options.Source.Pods(r.Context()))
	page := podsPage{Overview: h.options.Source.Overview(r.Context())}
	for _, check := range page.Checks {
		if check.Failure != "" {
			page.Failing = append(page.Failing, check)
		}
	}
	page.Query = queryView{Text: q.text, Namespace: q.namespace, Node: q.node, All: q.with(func(q *query) {
		q.text, q.namespace, q.node, q.phase = "", "", "", ""
	})}
	page.Query.Any = q.text != "" || q.namespace != "" || q.node != "" || q.phase != ""
	page.Query.Kept = keptParameters(q)
	page.Tabs = tabsOf(q, found)
	for _, column := range columns {
		view := columnView{Key: column.key, Title: column.title, Sorted: "none"}
		descending := false
		if column.key == q.sort {
			view.Sorted, descending = "ascending", !q.descending
			if q.descending {
				view.Sorted = "descending"
			}
		}
		view.Link = q.with(func(q *query) { q.sort, q.descending = column.key, descending })
		page.Columns = append(page.Columns, view)
	}
	for _, pod := range found.pods {
		page.Rows = append(page.Rows, rowOf(pod, h.now()))
	}
	page.Found = count(found.found, "pod")
	if found.found != found.all {
		page.Found = number(found.found) + " of " + count(found.all, "pod")
	}
	page.Namespaces, page.Nodes = choices(found.namespaces, q.namespace), choices(found.nodes, q.node)
	if found.page > 1 {
		page.Previous = q.with(func(q *query) { q.page = found.page - 1 })
	}
	if found.page < found.last {
		page.Next = q.with(func(q *query) { q.page = found.page + 1 })
	}
	if len(found.pods) > 0 {
		first := (found.page-1)*q.size + 1
		page.Position = number(first) + "–" + number(first+len(found.pods)-1) + " of " + number(found.found)
	}
	h.render(w, http.StatusOK, "pods", layout{Title: "Pods", Tab: "pods", SignedIn: true, Page: page})
}

// keptParameters returns the parameters that the form keeps.
func keptParameters(q query) (kept []link) {
	add := func(name, value string) {
		if value != "" {
			kept = append(kept, link{name, value})
		}
	}
	add("phase", q.phase)
	if q.sort != defaultSort || q.descending {
		add("sort", q.sort)
	}
	if q.descending {
		add("dir", "desc")
	}
	if q.size != sizes[0] {
		add("size", strconv.Itoa(q.size))
	}
	return kept
}

// tabsOf returns the tabs of the phases that pods have, or that are chosen.
func tabsOf(q query, found result) (tabs []tab) {
	add := func(phase, title, level string) {
		tabs = append(tabs, tab{Title: title, Level: level, Count: number(found.phases[phase]), Current: q.phase == phase,
			Link: q.with(func(q *query) { q.phase = phase })})
	}
	add("", "All", "")
	add(phaseStuck, "Needs attention", string(Warn))
	for _, phase := range phases {
		if found.phases[phase] > 0 || q.phase == phase {
			add(phase, phase, "")
		}
	}
	return tabs
}

// choices returns the values that a list offers, with the chosen one.
func choices(all []string, chosen string) []string {
	if len(all) > maxChoices {
		all = all[:maxChoices]
	}
	if chosen != "" && !slices.Contains(all, chosen) {
		all = append([]string{chosen}, all...)
	}
	return all
}

// rowOf returns a pod as the table shows it.
func rowOf(pod Pod, now time.Time) row {
	return row{
		Pod: pod, Link: linkOf(pod), Message: cut(pod.Message, maxMessage), Age: stampOf(pod.Created, now), Polled: stampOf(pod.Polled, now),
		Level: levelOf(pod),
	}
}

// linkOf returns the path of the page of a pod.
func linkOf(pod Pod) string { return "/pods/" + pod.RemoteNamespace + "/" + pod.RemoteName }

// levelOf returns how a pod is marked.
func levelOf(pod Pod) Level {
	switch {
	case pod.Phase == "Failed":
		return Bad
	case pod.Stuck:
		return Warn
	}
	return Fine
}
