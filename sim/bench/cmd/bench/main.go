// Command bench measures the plugin against a real kube-apiserver and prints a table (see package bench).
// It fails if something that it measures fails, not if a goal is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench"
)

func main() {
	// flag.CommandLine has other flags, from imported packages.
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	program := flags.String("program", "", "the `path` of a built plugin, for example of an earlier version; default: build it")
	only := flags.String("only", "", "measure only the lines whose name matches this `expression`")
	sizes := bench.DefaultSizes()
	flags.IntVar(&sizes.Rounds, "rounds", sizes.Rounds, "the number of rounds of each line")
	flags.IntVar(&sizes.Pods, "pods", sizes.Pods, "the number of pods of a round of creates and deletes")
	flags.IntVar(&sizes.Many, "cached", sizes.Many, "the number of remote pods of the lines about the pod cache")
	flags.IntVar(&sizes.Burst, "burst", sizes.Burst, "the number of pods that are created at once")
	collector := flags.Bool("collector", false, "measure how long the objects of deleted pods stay, with a garbage collector of the default pace; takes 15 minutes")
	_ = flags.Parse(os.Args[1:]) // it exits if there is an error
	options := bench.Options{Program: *program, Only: *only, Sizes: sizes, Log: logf}
	var controllerFlags []string
	if *collector {
		options.Measurements, controllerFlags = bench.CollectorMeasurements(bench.DefaultCollectorSizes()), bench.CollectorFlags
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, options, controllerFlags)
	stop()
	if err != nil {
		logf("bench: %v", err)
		os.Exit(1)
	}
}

func logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func run(ctx context.Context, options bench.Options, controllerFlags []string) (err error) {
	options.Server, err = apiserver.StartWithControllers(ctx, logf, controllerFlags...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, options.Server.Stop()) }()
	b, err := bench.New(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	_, err = bench.Table(ctx, b, os.Stdout)
	return err
}
