package plugin

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/reload"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// reloadEvery is the time between two looks at the files of the configuration. A change is used after two of them.
const reloadEvery = 3 * time.Second

// Reloading is how a running plugin takes over changes of its configuration.
type Reloading struct {
	// Read reads the configuration again, from the flags and the environment that the program has started with, and
	// from the file. It is safe for concurrent use.
	Read func() (*config.ParseResult, error)
	// Started is what the plugin has started with.
	Started *config.ParseResult
	// Signals let the plugin read its configuration at once.
	Signals <-chan os.Signal
	// Level is that of the log; nil if the log has a level of its own.
	Level *slog.LevelVar
}

// Reload lets [Plugin.Run] take over changes of the configuration. Call it before Run.
func (p *Plugin) Reload(r Reloading, log *slog.Logger) {
	p.reloads.options, p.reloads.log, p.reloads.warnings, p.reloads.file = &r, log, r.Started.Warnings, r.Started.File
}

// reloads knows what became of the configurations that were read.
type reloads struct {
	options *Reloading // nil if nothing is read again
	log     *slog.Logger

	mu    sync.Mutex
	state reload.State
	// file is the configuration file that is in use; empty if there is none.
	file string
	// files are the digests of the files that the last valid configuration names, and started those of the first one.
	files, started map[string]string
	// failures are the mistakes of the last configuration that was read; empty if it is in use.
	failures []string
	// used is when a configuration was last taken over; done and failed count.
	used         time.Time
	done, failed uint64
	// warnings are those that the log has.
	warnings []string
}

func newReloads(started config.Config) *reloads {
	return &reloads{state: reload.Start(started), used: time.Now()}
}

// runReloads takes over changes of the configuration until ctx is done.
func (p *Plugin) runReloads(ctx context.Context) {
	r := p.reloads
	if r.options == nil {
		return
	}
	watch := &reload.Watch{
		Every: reloadEvery,
		Digest: func() string {
			parsed, _ := r.options.Read()
			return digestOf(parsed)
		},
		Read: func() func(reload.Cause) {
			next, failures := r.read()
			return func(cause reload.Cause) { p.use(cause, next, failures) }
		},
	}
	watch.Run(ctx, r.options.Signals)
}

// candidate is a configuration with what is in the files that it names.
type candidate struct {
	parsed    *config.ParseResult
	translate translate.Options
	files     map[string]string
}

// read reads the whole configuration, and returns all mistakes in it, one line each.
func (r *reloads) read() (candidate, []string) {
	parsed, err := r.options.Read()
	next := candidate{parsed: parsed, files: filesOf(parsed.Config)}
	failures := lines(err)
	r.mu.Lock()
	file := r.file
	r.mu.Unlock()
	if file != "" && parsed.File == "" && err == nil {
		failures = append(failures, "the configuration file "+file+" does not exist any more")
	}
	next.translate, err = ReadTranslateOptions(parsed.Config)
	failures = append(failures, lines(err)...)
	_, err = NamespaceTemplate(parsed.Config)
	failures = append(failures, lines(err)...)
	return next, failures
}

// use makes use of a configuration, or keeps the one in use if it has mistakes.
func (p *Plugin) use(cause reload.Cause, next candidate, failures []string) {
	r := p.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.log.With("cause", string(cause), "file", next.parsed.File)
	r.failures = failures
	p.showFailures(failures)
	if len(failures) > 0 {
		r.failed++
		for _, failure := range failures {
			log.Error("the configuration is not reloaded: the last good one stays", "mistake", failure)
		}
		return
	}
	state, changes := r.state.Next(next.parsed.Config)
	if r.started == nil {
		r.files, r.started = next.files, next.files
	}
	restart, applied := changes.Restart, changes.Applied
	for _, option := range sameOptions(r.files, next.files) {
		switch {
		case r.files[option] == next.files[option]:
		case option != optionNamespaceTemplate:
			applied = append(applied, option+" (content)")
		case r.started[option] != next.files[option]:
			restart = append(restart, option+" (content)")
		default:
			changes.Back = append(changes.Back, option+" (content)")
		}
	}
	r.state, r.file, r.files = state, next.parsed.File, next.files
	p.setLive(state.Running, next.translate)
	p.showSettings(next.parsed, r.restart())
	if cause != reload.Started {
		r.done++
		r.used = time.Now()
	}
	if warnings := next.parsed.Warnings; !slices.Equal(warnings, r.warnings) {
		for _, warning := range warnings {
			log.Warn("configuration", "warning", warning)
		}
	}
	r.warnings = next.parsed.Warnings
	for _, name := range restart {
		log.Warn("an option has changed, which needs a restart of the plugin", "option", name)
	}
	for _, name := range changes.Back {
		log.Info("an option is again what the plugin runs with: it needs no restart any more", "option", name)
	}
	if cause != reload.Started || len(applied) > 0 {
		log.Info("the configuration is reloaded", "changed", applied)
	}
	if slices.ContainsFunc(applied, func(name string) bool { return strings.HasPrefix(name, "[mesh] ") }) {
		logMesh(state.Running, r.log)
	}
}

// setLive replaces what a reload can change. Requests under way end with what they have begun with.
func (p *Plugin) setLive(cfg config.Config, read translate.Options) {
	before := p.config()
	options := TranslateOptions(cfg) // with the scope that the plugin has started with
	options.MeshTexts, options.ClaimRules, options.PlacementRules = read.MeshTexts, read.ClaimRules, read.PlacementRules
	p.live.Store(&cfg)
	p.lifecycle.SetSite(lifecycle.Site{Translate: options, Policy: PolicyOptions(cfg), Maintenance: cfg.App.Maintenance})
	if level := p.reloads.options.Level; level != nil {
		level.Set(cfg.Log.Level)
	}
	if cfg.App.Maintenance == before.App.Maintenance {
		return
	}
	logMaintenance(cfg, p.reloads.log)
	if !cfg.App.Maintenance {
		p.reloads.log.Info("the maintenance has ended: new pods are created again")
		p.waiting.Resume()
	}
}

// logMaintenance logs that a maintenance is on, and what is missing for it.
func logMaintenance(cfg config.Config, log *slog.Logger) {
	if !cfg.App.Maintenance {
		return
	}
	log.Info("maintenance: the virtual node offers no pods, and new ones wait ([app] maintenance is true)")
	if cfg.Offloading.NodePods == 0 && cfg.Offloading.ReportResources == config.ReportNothing {
		log.Warn("the virtual node cannot offer 0 pods during the maintenance, since there is no number to return to: pods still come, and are refused after a while; set [offloading] node_pods or report_resources")
	}
}

// restart returns the names of the options that need a restart. The caller holds the lock.
func (r *reloads) restart() []string {
	names := r.state.Restart()
	if option := optionNamespaceTemplate; slices.Contains(sameOptions(r.started, r.files), option) && r.started[option] != r.files[option] && !slices.Contains(names, option) {
		names = append(names, option)
	}
	return names
}

// reloadStatus says what became of the configurations that were read since the start.
type reloadStatus struct {
	// used is when the plugin last took over a configuration; at first when it started.
	used time.Time
	// done and failed count the reloads; the one before the first request is none if it succeeds.
	done, failed uint64
	// failures is the number of mistakes of the last configuration; 0 if it is in use.
	failures int
	// restart are the names of the options that need a restart.
	restart []string
}

func (r *reloads) status() reloadStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return reloadStatus{used: r.used, done: r.done, failed: r.failed, failures: len(r.failures), restart: r.restart()}
}
