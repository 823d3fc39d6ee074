package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const replayUsage = `interlink-sim replay [--plugin URL] [--level LEVELS] [--report FORMAT=FILE,...] [PATH...]

Plays scenarios (files, or folders of files; by default those of this program) against an InterLink plugin and compares
the results with what the scenarios expect. Without --plugin it starts this plugin; without --kubeconfig too, the remote
cluster is in memory with simulated nodes, and minutes pass in milliseconds.

  --plugin http://127.0.0.1:4000    Test any plugin. Its remote side is not known, so the plugin is judged by what the
                                    local cluster shows, and by what containers print about themselves.
  --interlink http://127.0.0.1:3000 Test any plugin behind a real InterLink API server at that address: it receives what
                                    InterLink's virtual kubelet sends. Goes together with all options of --plugin.
  --plugin URL --kubeconfig FILE    Test any plugin, and compare the objects in its remote cluster too. The
                                    plugin's namespaces are taken from OFFLOADING_NAMESPACE_PREFIX and the other
                                    environment variables of the plugin.
  --kubeconfig FILE                 Test this plugin with that remote cluster and its nodes.
  --kubeconfig FILE --play-nodes    Test this plugin with an API server that has no nodes; the nodes are simulated.

Levels: core (what InterLink needs of every plugin), optional (what a plugin may offer, if its profile says so),
kubernetes (what only a remote Kubernetes cluster can do), this-plugin (its own options and words).

A scenario is "not judged" if nothing contradicts it, but something that must be observed was not.

Exit codes: 0 all that was judged passed, 1 failures (or nothing was judged), 2 wrong usage, 3 the plugin did not answer.
Ctrl-C ends the replay and reports what was played.

`

// replayFlags are the flags of the command.
type replayFlags struct {
	plugin, interLink, kubeconfig        string
	run, expected, profile               string
	levels, reports                      []string
	playNodes                            string // the selector; empty if no nodes are simulated
	verbose, strict, list                bool
	speed                                float64
	parallel                             int
	seed                                 uint64
	callTimeout, timeout, patience, wait time.Duration
}

func replayCommand(s streams) command {
	var f replayFlags
	return command{
		usage: replayUsage,
		flags: func(set *pflag.FlagSet) {
			set.StringVar(&f.plugin, "plugin", "", "address of the plugin: unix:///path or http://host:port")
			set.StringVar(&f.interLink, "interlink", "", "instead of --plugin: address of a real InterLink API server in front of the plugin")
			set.StringSliceVar(&f.levels, "level", nil, "levels to play: core, optional, kubernetes, this-plugin (default: all; with --plugin: core,optional, and with --kubeconfig also kubernetes)")
			set.StringVar(&f.profile, "profile", "", "file that says what the plugin offers, and how to treat it")
			set.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the remote cluster; objects of a scenario are deleted after it")
			set.StringVar(&f.playNodes, "play-nodes", "", "simulate the nodes of that cluster, which must have none, for the pods with this label `selector`")
			set.Lookup("play-nodes").NoOptDefVal = node.PodSelector // of --play-nodes without a value
			set.StringVar(&f.run, "run", "", "play only scenarios whose names match this regular expression")
			set.BoolVar(&f.list, "list", false, "play nothing: list what would be played, and how long it takes")
			set.StringSliceVar(&f.reports, "report", nil, "write the report to files: junit=FILE, json=FILE, html=FILE (a page with timelines)")
			set.StringVar(&f.expected, "expected-failures", "", "file with names of scenarios, one a line, whose failures do not count; one that passes does")
			set.BoolVar(&f.strict, "strict", false, "fail also if a scenario is not judged")
			set.Float64Var(&f.speed, "speed", 1, "with --plugin and --play-nodes: maximum speed of time, 2 is twice as fast as real time")
			set.IntVar(&f.parallel, "parallel", 0, "number of scenarios at the same time (default: that of the profile, or 8; without --plugin the number of processors)")
			set.DurationVar(&f.callTimeout, "call-timeout", 0, "timeout of a call to the plugin (default 2m, and 2m10s with --interlink)")
			set.DurationVar(&f.wait, "wait", 30*time.Second, "how long to wait for a plugin that is being started: while nothing listens at its address")
			set.DurationVar(&f.patience, "patience", 0, "how long pods may take to end, in real time, after the last step (default 5m, and the slack of the profile)")
			set.DurationVar(&f.timeout, "timeout", 0, "timeout of a scenario, in real time; longer than --patience (default 15m, or more for a long patience)")
			set.Uint64Var(&f.seed, "seed", 0, "decides in which order pods are polled (default 1)")
			set.BoolVarP(&f.verbose, "verbose", "v", false, "show the log of the plugin that this command starts")
		},
		run: func(ctx context.Context, args []string) error { return f.replay(ctx, args, s) },
	}
}

func (f *replayFlags) replay(ctx context.Context, paths []string, s streams) error {
	if f.interLink != "" {
		if f.plugin != "" {
			return invalidf("--interlink stands in the place of --plugin: give one of them")
		}
		f.plugin = f.interLink
	}
	reports, err := parseReportFiles(f.reports)
	if err != nil {
		return err
	}
	levels, err := f.chosenLevels()
	if err != nil {
		return err
	}
	all, err := allScenarios(paths)
	if err != nil {
		return invalid{err}
	}
	files, err := f.choose(all, levels)
	if err != nil {
		return err
	}
	expected, err := readExpectedFailures(f.expected, names(all))
	if err != nil {
		return err
	}
	options, err := f.options(levels, s)
	if err != nil {
		return err
	}
	schedule, err := play.NewSchedule(files, options)
	if err != nil {
		return invalid{err}
	}
	if f.list {
		return list(s.out, schedule)
	}
	if f.playNodes != "" {
		_, _ = fmt.Fprintf(s.err, "The simulated nodes play the pods with the label %s, and no others.\n", f.playNodes)
	}
	live := report.NewLive(s.out, len(files), report.IsTerminal(s.out))
	live.Expect(durations(schedule), schedule.Parallel)
	options.Started = live.Start
	options.Done = func(result report.Scenario) {
		result.ExpectedFailure = slices.Contains(expected, result.Name)
		live.Done(result)
	}
	stop := refresh(live)
	result, err := play.Run(ctx, files, options)
	stop()
	live.Close()
	if result == nil {
		return err
	}
	if err != nil { // what was played is reported
		result.Interrupted = err.Error()
	}
	result.Strict = f.strict
	if options.Profile != nil {
		result.Profile = options.Profile.Name
	}
	for _, level := range levels {
		result.Levels = append(result.Levels, string(level))
	}
	result.ExpectFailures(expected)
	return finish(result, reports, s)
}

// options returns the options of the replay.
func (f *replayFlags) options(levels []scenario.Level, s streams) (play.Options, error) {
	options := play.Options{
		Plugin: f.plugin, InterLink: f.interLink != "", PlayNodes: f.playNodes != "", NodeSelector: f.playNodes,
		Speed: f.speed, Parallel: f.parallel, Levels: levels,
		CallTimeout: f.callTimeout, Timeout: f.timeout, Patience: f.patience, Startup: f.wait, Seed: f.seed, Version: version,
	}
	if f.profile != "" {
		if f.plugin == "" {
			return options, invalidf("--profile is for a plugin with an address: --plugin is needed")
		}
		read, err := profile.Read(f.profile)
		if err != nil {
			return options, invalid{err}
		}
		options.Profile = read
	}
	if f.kubeconfig != "" {
		var err error
		if options.Client, err = connect(f.kubeconfig); err != nil {
			return options, invalid{err}
		}
	}
	if f.kubeconfig != "" || f.plugin != "" {
		options.Environ = s.environ // with a cluster in memory the result does not depend on the environment
	}
	options.Log = slog.New(slog.DiscardHandler)
	if f.verbose {
		options.Log = slog.New(slog.NewTextHandler(s.err, nil))
	}
	s.setClientLogger(options.Log)
	return options, nil
}

func names(files []*scenario.File) []string {
	var all []string
	for _, file := range files {
		all = append(all, file.Name)
	}
	return all
}

// durations returns about how long each scenario takes that is played.
func durations(schedule *play.Schedule) map[string]time.Duration {
	about := map[string]time.Duration{}
	for _, p := range schedule.Scenarios {
		about[p.File.Name] = p.About
	}
	return about
}

// refresh shows the time left again each second, until stop is called.
func refresh(live *report.Live) (stop func()) {
	ticker, done := time.NewTicker(time.Second), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				live.Refresh()
			case <-done:
				ticker.Stop()
				return
			}
		}
	}()
	return func() { close(done) }
}

// finish prints the report, and writes it to the files of --report.
func finish(result *report.Report, files []reportFile, s streams) error {
	show := result.Table
	if report.IsTerminal(s.out) { // the rows of the table are printed already
		show = result.Totals
	}
	if err := errors.Join(show(s.out), writeReports(result, files)); err != nil {
		return err
	}
	if len(result.Problems()) > 0 {
		return errReported
	}
	return nil
}

// connect returns a client without a rate limit: simulated nodes write often.
func connect(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	config.QPS = -1
	config.UserAgent = "interlink-sim/" + version
	return kubernetes.NewForConfig(config)
}
