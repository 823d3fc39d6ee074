// Command chaos lets remote calls of the built plugin fail in every way, and shows that
// nothing is lost (see package chaos). It fails if something is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/chaos"
)

func main() {
	// flag.CommandLine has other flags, from imported packages.
	flags := flag.NewFlagSet("chaos", flag.ExitOnError)
	var options chaos.Options
	var matrix chaos.MatrixOptions
	flags.StringVar(&options.Program, "program", "", "the `path` of a built plugin, for example of an earlier version; default: build it")
	flags.StringVar(&options.LogDir, "logs", "", "a `folder` for the plugin's logs of runs that find something")
	flags.DurationVar(&options.Patience, "patience", 3*time.Minute, "how long a run waits for something that must happen")
	flags.StringVar(&matrix.Only, "only", "", "play only the cases whose text contains this `text`")
	flags.IntVar(&matrix.Sample, "sample", 0, "play only this number of cases, chosen at random; 0: all")
	flags.Uint64Var(&matrix.Seed, "seed", rand.Uint64N(1_000_000), "the seed of the sample; default: another one each time")
	flags.IntVar(&matrix.Parallel, "parallel", 16, "the number of cases at a time")
	var what parts
	flags.StringVar(&what.storms, "storms", "full", "the size of the storms: full, small or none")
	flags.DurationVar(&what.soak, "soak", 0, "only create, poll, log and delete pods for this `time`")
	_ = flags.Parse(os.Args[1:]) // it exits if there is an error
	options.Log = logf
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, options, matrix, what)
	stop()
	if err != nil {
		logf("chaos: %v", err)
		os.Exit(1)
	}
}

func logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// parts say what is played.
type parts struct {
	storms string
	soak   time.Duration
}

func run(ctx context.Context, options chaos.Options, matrix chaos.MatrixOptions, what parts) (err error) {
	if options.LogDir != "" {
		if err := os.MkdirAll(options.LogDir, 0o700); err != nil {
			return err
		}
	}
	if options.Server, err = apiserver.StartWithControllers(ctx, logf); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, options.Server.Stop()) }()
	c, err := chaos.New(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var findings int
	if what.soak > 0 {
		findings, err = soak(ctx, c, what.soak)
	} else {
		findings, err = play(ctx, c, matrix, what.storms)
	}
	if err == nil && findings > 0 {
		err = fmt.Errorf("%d findings", findings)
	}
	return err
}

// play plays the matrix and the storms, and returns the number of findings.
func play(ctx context.Context, c *chaos.Chaos, matrix chaos.MatrixOptions, storms string) (int, error) {
	sizes, known := map[string]chaos.Sizes{"full": chaos.FullSizes(), "small": chaos.SmallSizes(), "none": {}}[storms]
	if !known {
		return 0, fmt.Errorf("-storms=%s: it is full, small or none", storms)
	}
	start := time.Now()
	outcomes, size, err := c.Matrix(ctx, matrix)
	if err != nil {
		return 0, err
	}
	fmt.Printf("The matrix has %d cases; %d were played in %s.\n\n", size, len(outcomes), time.Since(start).Round(time.Second))
	findings, err := chaos.WriteTable(os.Stdout, outcomes)
	if err != nil || storms == "none" {
		return findings, err
	}
	fmt.Println()
	for _, storm := range chaos.Storms(sizes) {
		start := time.Now()
		found, summary, err := c.Storm(ctx, storm)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", storm.Name, err)
		}
		fmt.Printf("%s: %d findings, in %s; %s\n", storm.Name, len(found), time.Since(start).Round(time.Second), summary)
		for _, f := range found {
			logf("%s: %s: %s", storm.Name, f.Kind, f.Text)
		}
		findings += len(found)
	}
	return findings, nil
}

// soak soaks, and returns the number of findings.
func soak(ctx context.Context, c *chaos.Chaos, during time.Duration) (int, error) {
	samples, found, err := c.Soak(ctx, during)
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		logf("%s: %s", f.Kind, f.Text)
	}
	if len(samples) > 0 {
		fmt.Printf("%d findings. At the end: %s\n", len(found), samples[len(samples)-1])
	}
	return len(found), nil
}
