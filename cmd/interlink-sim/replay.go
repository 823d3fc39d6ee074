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

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const replayUsage = `interlink-sim replay [--plugin URL] [--kubeconfig FILE [--play-nodes]] [--run REGEX] PATH...

Plays scenarios (files, or folders of files) against an InterLink plugin and compares the results with what the
scenarios expect. The exit code is 1 if a scenario failed. Without --plugin it starts this plugin; without --kubeconfig
too, the remote cluster is in memory with simulated nodes, and minutes pass in milliseconds.

  --plugin http://127.0.0.1:4000    Test any plugin. Its remote cluster is not known, so only what the local
                                    cluster shows is compared.
  --plugin URL --kubeconfig FILE    Test any plugin, and compare the objects in its remote cluster too. The
                                    plugin's namespaces are taken from OFFLOADING_NAMESPACE_PREFIX and the other
                                    environment variables of the plugin.
  --kubeconfig FILE                 Test this plugin with that remote cluster and its nodes.
  --kubeconfig FILE --play-nodes    Test this plugin with an API server that has no nodes; the nodes are simulated.

`

// replayFlags are the flags of the command.
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
			set.StringVar(&f.plugin, "plugin", "", "address of the plugin: unix:///path or http://host:port")
			set.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the remote cluster; objects of a scenario are deleted after it")
			set.BoolVar(&f.playNodes, "play-nodes", false, "simulate the nodes of that cluster, which must have none")
			set.StringVar(&f.run, "run", "", "play only scenarios whose names match this regular expression")
			set.StringVar(&f.json, "json", "", "write the report to this file as JSON")
			set.StringVar(&f.html, "html", "", "write the report to this file as an HTML page with timelines")
			set.Float64Var(&f.speed, "speed", 1, "with --plugin and --play-nodes: maximum speed of time, 2 is twice as fast as real time")
			set.IntVar(&f.parallel, "parallel", 0, "number of scenarios at the same time (default: the number of processors)")
			set.DurationVar(&f.callTimeout, "call-timeout", interlink.CallTimeout, "timeout of a call to the plugin")
			set.DurationVar(&f.timeout, "timeout", 15*time.Minute, "timeout of a scenario, in real time")
			set.BoolVarP(&f.verbose, "verbose", "v", false, "show the log of the plugin that this command starts")
		},
		run: func(ctx context.Context, args []string) error { return f.replay(ctx, args, s) },
	}
}

func (f *replayFlags) replay(ctx context.Context, paths []string, s streams) error {
	if len(paths) == 0 {
		return invalidf("PATH is needed: a scenario file or a folder of scenario files")
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
		options.Environ = s.environ // with a cluster in memory the result does not depend on the environment
	}
	log := slog.New(slog.DiscardHandler)
	if f.verbose {
		log = slog.New(slog.NewTextHandler(s.err, nil))
	}
	options.Log = log
	s.setClientLogger(log)

	live := report.NewLive(s.out, len(files), report.IsTerminal(s.out))
	options.Started, options.Done = live.Start, live.Done
	result, err := play.Run(ctx, files, options)
	live.Close()
	if err != nil {
		return err
	}
	return f.finish(result, s)
}

// scenarios reads the scenarios that match --run.
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

// finish prints the report, and writes it to the files of --json and --html.
func (f *replayFlags) finish(result *report.Report, s streams) error {
	show := result.Table
	if report.IsTerminal(s.out) { // the rows of the table are printed already
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
		return errReported
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close() // the first error explains more
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
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
