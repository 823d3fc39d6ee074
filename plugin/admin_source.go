package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/server"
)

const (
	// snapshotTime is how old the table of pods may be: so many readers cost what one costs.
	snapshotTime = time.Second
	// pageCheckTimeout limits each readiness check for the page.
	pageCheckTimeout = 2 * time.Second
)

// adminSource says what the page shows. It reads what the plugin has in memory; only the events of one pod, and the
// releases of its tunnels, are read from the remote API server.
type adminSource struct {
	plugin   *Plugin
	gatherer prometheus.Gatherer
	checks   []server.Check
	rows     pageRows
	events   podEvents
	releases podReleases
	log      *slog.Logger

	mu sync.Mutex
	// pods are the rows of the table, as they were at a time.
	pods []admin.Pod
	at   time.Time
	// settings is set before the page is served.
	settings admin.Settings
}

// Pods implements [admin.Source].
func (s *adminSource) Pods(context.Context) []admin.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.pods != nil && now.Sub(s.at) < snapshotTime {
		return s.pods
	}
	kept, waiting := s.rows.all(), s.plugin.waiting.Pods()
	rows := make([]admin.Pod, 0, len(kept)+len(waiting))
	for _, k := range kept {
		row := k.at(now)
		row.Polled = s.plugin.polls.last(k.uid)
		rows = append(rows, row)
	}
	for _, pod := range waiting {
		if s.rows.has(pod.RemoteNamespace, pod.RemoteName) {
			continue // it has been created, and its marker is about to go
		}
		row := waitingRow(pod)
		row.Polled = s.plugin.polls.last(pod.UID)
		rows = append(rows, row)
	}
	s.pods, s.at = rows, now
	return rows
}

// Pod implements [admin.Source].
func (s *adminSource) Pod(ctx context.Context, namespace, name string) (admin.Details, bool) {
	now := time.Now()
	if pod := s.plugin.cluster.CachedPodByName(namespace, name); pod != nil {
		var releases []admin.Object
		var reading sync.WaitGroup // both at once: each may take pageEventsTimeout
		reading.Go(func() { releases = s.releases.of(ctx, pod, now) })
		events, failure := s.events.of(ctx, pod, now)
		reading.Wait()
		details := pageDetails(pod, events, now)
		details.Objects = append(details.Objects, releases...)
		details.EventsFailure = failure
		details.Polled = s.plugin.polls.last(details.UID)
		return details, true
	}
	for _, pod := range s.plugin.waiting.Pods() {
		if pod.RemoteNamespace == namespace && pod.RemoteName == name {
			details := waitingDetails(pod)
			details.Polled = s.plugin.polls.last(pod.UID)
			return details, true
		}
	}
	return admin.Details{}, false
}

// Overview implements [admin.Source].
func (s *adminSource) Overview(ctx context.Context) admin.Overview {
	overview := admin.Overview{Tiles: s.tiles()}
	overview.Capacity, overview.CapacityNote = s.capacity()
	for _, check := range s.checks {
		failure := ""
		if err := checkOnce(ctx, check); err != nil && !errors.Is(err, errNotChecked) {
			failure = err.Error()
		}
		overview.Checks = append(overview.Checks, admin.Check{Name: check.Name, Failure: failure})
	}
	return overview
}

func checkOnce(ctx context.Context, check server.Check) error {
	ctx, cancel := context.WithTimeout(ctx, pageCheckTimeout)
	defer cancel()
	return check.Check(ctx)
}

// Orphans implements [admin.Source].
func (s *adminSource) Orphans(context.Context) admin.Orphans {
	offloading := s.plugin.config().Offloading
	if s.plugin.orphans == nil {
		return admin.Orphans{Note: "Nothing searches for orphans: [offloading] orphan_grace is 0s, or the client cannot list metadata."}
	}
	stats := s.plugin.orphans.Stats()
	o := admin.Orphans{Searched: stats.Searched, Note: fmt.Sprintf("A pod is deleted when it has been marked for %s.", seconds(offloading.OrphanGrace.Seconds()))}
	if offloading.OrphanPolicy == config.ReportOrphans {
		o.Note = "Marked pods are only reported: [offloading] orphan_policy is report."
	}
	for _, kind := range orphans.Kinds {
		if n := stats.Deleted[kind]; n > 0 {
			o.Deleted = append(o.Deleted, admin.Tile{Label: kind + " deleted", Value: strconv.Itoa(n)})
		}
	}
	now := time.Now()
	for _, kept := range s.rows.all() {
		if kept.marked == "" {
			continue
		}
		since, err := time.Parse(time.RFC3339, kept.marked)
		if err != nil {
			since = time.Time{} // another client has written it
		}
		o.Marked = append(o.Marked, admin.Orphan{Pod: kept.at(now), Since: since})
	}
	return o
}

// Settings implements [admin.Source].
func (s *adminSource) Settings() admin.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// ShowSettings lets the page show where the options come from. Without it, the page shows no configuration.
func (p *Plugin) ShowSettings(parsed *config.ParseResult) { p.showSettings(parsed, nil) }

// showSettings is like ShowSettings. The plugin keeps the values that it has of the options in restart.
func (p *Plugin) showSettings(parsed *config.ParseResult, restart []string) {
	if p.page == nil {
		return
	}
	p.page.mu.Lock()
	defer p.page.mu.Unlock()
	before := p.page.settings.Options
	settings := admin.Settings{File: parsed.File}
	for i, setting := range parsed.Settings {
		option := admin.Setting{
			Section: setting.Option.Section, Key: setting.Option.Key, Value: setting.Value, Source: setting.Source.String(),
			Help: setting.Option.Help, Changed: setting.Source.Origin != config.Default,
		}
		if slices.Contains(restart, setting.Option.Name()) && i < len(before) {
			option.Value, option.Source, option.Changed = before[i].Value, before[i].Source, before[i].Changed
			option.Restart, option.Wanted = true, setting.Value
		}
		settings.Options = append(settings.Options, option)
	}
	p.page.settings = settings
}

// showFailures lets the page show the mistakes of a configuration that is not in use.
func (p *Plugin) showFailures(failures []string) {
	if p.page != nil {
		p.page.mu.Lock()
		defer p.page.mu.Unlock()
		p.page.settings.Failures = failures
	}
}

// newPage returns the page on the admin address, and gives it its source.
func (p *Plugin) newPage(app config.App, gatherer prometheus.Gatherer, checks []server.Check, log *slog.Logger) (*admin.Handler, error) {
	warning, err := admin.CheckTokenFile(app.AdminTokenFile)
	if err != nil {
		return nil, fmt.Errorf("[app] admin_token_file: %w", err)
	}
	if warning != "" {
		log.Warn("[app] admin_token_file", "warning", warning)
	}
	docs, err := server.Docs(app, "/docs")
	if err != nil {
		return nil, err
	}
	documents := map[string]admin.Document{}
	for path, doc := range docs {
		documents[path] = admin.Document{Title: "API", ContentType: doc.ContentType, Content: doc.Content}
	}
	p.page = &adminSource{plugin: p, gatherer: gatherer, checks: checks, log: log}
	p.page.events.list, p.page.events.log = p.cluster.PodEvents, log
	p.page.releases = podReleases{namespace: p.config().TCPTunnel.BastionNamespace, each: p.cluster.EachMetadata, log: log}
	return admin.New(admin.Options{
		TokenFile: app.AdminTokenFile, Name: cmp.Or(app.Name, "interlink-kubernetes-plugin"), Version: app.Version, Instance: app.Instance,
		Address: app.AdminAddress, Hosts: app.AdminHosts, Source: p.page, Documents: documents, Log: log,
	})
}
