package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const replayUsage = `interlink-sim replay [--plugin URL] [--kubeconfig FILE [--play-nodes]] [--run REGEX] PATH...

Plays scenarios (files, or folders of them) against an InterLink plugin, and judges what comes of them; exit
code 1 says that one failed. Where no plugin is named it starts this one, on a remote cluster in memory whose
nodes are simulated, and minutes pass in milliseconds.

  --plugin http://127.0.0.1:4000                   any plugin; of its remote cluster nothing is known, so
                                                   only what the local cluster shows is judged
  --plugin URL --kubeconfig FILE                   the same, and what stands in that remote cluster; which
                                                   namespaces the plugin uses there is read from
                                                   OFFLOADING_NAMESPACE_PREFIX and its like
  --kubeconfig FILE                                this plugin, on that cluster and its nodes
  --kubeconfig FILE --play-nodes                   the same, for an API server without nodes

`

// replayFlags are the command's.
type replayFlags struct {
	plugin, kubeconfig, run, json, html string
	playNodes, verbose                  bool
	speed                               float64
	parallel                            int
	callTimeout, timeout                time.Duration
}

func replayCommand(s streams) command {
	var f replayFlags
	return command{
		usage: replayUsage,
		flags: func(set *pflag.FlagSet) {
			set.StringVar(&f.plugin, "plugin", "", "address of a plugin: unix:///path or http://host:port")
			set.StringVar(&f.kubeconfig, "kubeconfig", "", "the remote cluster; it is tidied up after each scenario")
			set.BoolVar(&f.playNodes, "play-nodes", false, "simulate the nodes of that cluster, which must have none")
			set.StringVar(&f.run, "run", "", "only scenarios whose names match this regular expression")
			set.StringVar(&f.json, "json", "", "write the report to this file as JSON")
			set.StringVar(&f.html, "html", "", "write the report to this file as a page, with timelines")
			set.Float64Var(&f.speed, "speed", 1, "with --plugin and --play-nodes: how many times as fast time passes")
			set.IntVar(&f.parallel, "parallel", 0, "scenarios played at once (default: the number of processors)")
			set.DurationVar(&f.callTimeout, "call-timeout", 2*time.Minute, "how long the plugin may take to answer a call")
			set.DurationVar(&f.timeout, "timeout", 15*time.Minute, "how long a scenario may take, in real time")
			set.BoolVarP(&f.verbose, "verbose", "v", false, "show the log of the plugin that is started here")
		},
		run: func(ctx context.Context, args []string) error { return f.replay(ctx, args, s) },
	}
}

func (f *replayFlags) replay(ctx context.Context, paths []string, s streams) error {
	if len(paths) == 0 {
		return invalidf("no PATH of a scenario is given")
	}
	files, err := f.scenarios(paths)
	if err != nil {
		return err
	}
	options := play.Options{
		Plugin: f.plugin, PlayNodes: f.playNodes, Speed: f.speed, Parallel: f.parallel,
		CallTimeout: f.callTimeout, Timeout: f.timeout, Version: version,
	}
	if f.kubeconfig != "" {
		if options.Client, err = connect(f.kubeconfig); err != nil {
			return err
		}
	}
	if f.kubeconfig != "" || f.plugin != "" {
		options.Environ = s.environ // in memory a scenario is the same for everybody
	}
	log := slog.New(slog.DiscardHandler)
	if f.verbose {
		log = slog.New(slog.NewTextHandler(s.err, nil))
	}
	options.Log = log
	s.route(log)

	live := report.NewLive(s.out, len(files), report.IsTerminal(s.out))
	options.Started, options.Done = live.Start, live.Done
	result, err := play.Run(ctx, files, options)
	live.Close()
	if err != nil {
		return err
	}
	return f.finish(result, s)
}

// scenarios reads those that match.
func (f *replayFlags) scenarios(paths []string) ([]*scenario.File, error) {
	pattern, err := regexp.Compile(f.run)
	if err != nil {
		return nil, invalidf("--run: %w", err)
	}
	all, err := scenario.ReadAll(paths...)
	if err != nil {
		return nil, err
	}
	var files []*scenario.File
	for _, file := range all {
		if pattern.MatchString(file.Name) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("none of the %d scenarios matches --run %s", len(all), f.run)
	}
	return files, nil
}

// finish shows and writes the report.
func (f *replayFlags) finish(result *report.Report, s streams) error {
	show := result.Table
	if report.IsTerminal(s.out) { // where the table has grown live
		show = func(w io.Writer) error {
			_, err := fmt.Fprintln(w, result.Summary())
			return err
		}
	}
	if err := show(s.out); err != nil {
		return err
	}
	for file, write := range map[string]func(io.Writer) error{f.json: result.JSON, f.html: result.HTML} {
		if file == "" {
			continue
		}
		if err := writeFile(file, write); err != nil {
			return err
		}
	}
	if result.Count(report.Failed) > 0 {
		return errJudged
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close() // the other failure says more
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
}

// connect makes a client that holds nothing back: played nodes write a lot.
func connect(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	config.QPS = -1
	config.UserAgent = "interlink-sim/" + version
	return kubernetes.NewForConfig(config)
}
