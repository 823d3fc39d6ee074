package admin

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// podPage is the page of one pod.
type podPage struct {
	Row        row
	UID        string
	RemoteUID  string
	Steps      []stepView
	Containers []containerView
	Objects    []Object
	Warnings   []string
	Events     []eventView
	// EventsFailure says why there are no events.
	EventsFailure string
}

// stepView is a step of the timeline. Took is the time since the step before.
type stepView struct {
	Step
	Stamp stamp
	Took  string
	Done  bool
}

type containerView struct {
	Container
	Started, Finished stamp
	// Ran is how long it has run.
	Ran string
}

type eventView struct {
	Event
	Last stamp
}

// showPod serves the page of one pod.
func (h *Handler) showPod(w http.ResponseWriter, r *http.Request) {
	details, ok := h.options.Source.Pod(r.Context(), r.PathValue("namespace"), r.PathValue("name"))
	if !ok {
		h.problem(w, http.StatusNotFound, "No such pod", "The plugin knows no pod of this name. It may have been deleted: the plugin forgets a pod that is gone.")
		return
	}
	now := h.now()
	page := podPage{
		Row: rowOf(details.Pod, now), UID: details.UID, RemoteUID: details.RemoteUID, Objects: details.Objects,
		Warnings: details.Warnings, EventsFailure: details.EventsFailure, Steps: stepsOf(details.Timeline, now),
	}
	page.Row.Message = details.Message // all of it
	for _, c := range details.Containers {
		end := c.Finished
		if end.IsZero() {
			end = now
		}
		page.Containers = append(page.Containers, containerView{
			Container: c, Started: stampOf(c.Started, now), Finished: stampOf(c.Finished, now), Ran: between(c.Started, end),
		})
	}
	slices.SortStableFunc(details.Events, func(a, b Event) int { return b.Last.Compare(a.Last) })
	for _, e := range details.Events {
		page.Events = append(page.Events, eventView{Event: e, Last: stampOf(e.Last, now)})
	}
	h.render(w, http.StatusOK, "pod", layout{Title: cmp.Or(details.Name, details.RemoteName), Tab: "pods", SignedIn: true, Page: page})
}

// stepsOf returns the steps that have been, in the order of their times, and then those that have not come.
func stepsOf(timeline []Step, now time.Time) []stepView {
	steps := slices.Clone(timeline)
	slices.SortStableFunc(steps, func(a, b Step) int {
		if a.At.IsZero() || b.At.IsZero() {
			return cmp.Compare(order(a), order(b))
		}
		return a.At.Compare(b.At)
	})
	views := make([]stepView, len(steps))
	for i, s := range steps {
		views[i] = stepView{Step: s, Stamp: stampOf(s.At, now), Done: !s.At.IsZero()}
		if i > 0 {
			views[i].Took = between(steps[i-1].At, s.At)
		}
	}
	return views
}

// order sorts the steps that have not come behind the others.
func order(s Step) int {
	if s.At.IsZero() {
		return 1
	}
	return 0
}

// orphansPage is the page of what no request will delete.
type orphansPage struct {
	Orphans
	Rows     []orphanRow
	Searched stamp
}

type orphanRow struct {
	row
	Since stamp
}

// maxOrphans is how many orphans the page shows.
const maxOrphans = 200

// showOrphans serves the page of the orphans.
func (h *Handler) showOrphans(w http.ResponseWriter, r *http.Request) {
	orphans, now := h.options.Source.Orphans(r.Context()), h.now()
	page := orphansPage{Orphans: orphans, Searched: stampOf(orphans.Searched, now)}
	slices.SortFunc(orphans.Marked, func(a, b Orphan) int { return cmp.Or(a.Since.Compare(b.Since), byName(&a.Pod, &b.Pod)) })
	for _, o := range orphans.Marked[:min(len(orphans.Marked), maxOrphans)] {
		page.Rows = append(page.Rows, orphanRow{row: rowOf(o.Pod, now), Since: stampOf(o.Since, now)})
	}
	h.render(w, http.StatusOK, "orphans", layout{Title: "Orphans", Tab: "orphans", SignedIn: true, Page: page})
}

// configPage is the page of the configuration.
type configPage struct {
	File     string
	Sections []section
	// OnlyChanged is true if the options with their default values are left out.
	OnlyChanged bool
	Changed     int
	// Failures are the mistakes of a configuration that is not in use, and Restart has the options that need a restart.
	Failures []string
	Restart  []Setting
}

type section struct {
	Name    string
	Options []Setting
}

// showConfig serves the page of the configuration.
func (h *Handler) showConfig(w http.ResponseWriter, r *http.Request) {
	settings := h.options.Source.Settings()
	page := configPage{File: settings.File, OnlyChanged: r.URL.Query().Get("all") != "1", Failures: settings.Failures}
	for _, setting := range settings.Options {
		if setting.Restart {
			page.Restart = append(page.Restart, setting)
		}
		if setting.Changed {
			page.Changed++
		} else if page.OnlyChanged && !setting.Restart {
			continue
		}
		if last := len(page.Sections) - 1; last < 0 || page.Sections[last].Name != setting.Section {
			page.Sections = append(page.Sections, section{Name: setting.Section})
		}
		last := &page.Sections[len(page.Sections)-1]
		last.Options = append(last.Options, setting)
	}
	h.render(w, http.StatusOK, "config", layout{Title: "Configuration", Tab: "config", SignedIn: true, Page: page})
}
