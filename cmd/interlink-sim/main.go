// interlink-sim tests InterLink plugins without InterLink and without a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/load"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
)

// version is set by the linker.
var version = "dev"

const usage = `interlink-sim tests InterLink plugins without InterLink and without a cluster.

  interlink-sim replay               play scenarios against this or any other plugin, and report differences
  interlink-sim serve --listen URL   run this plugin with a simulated remote cluster
  interlink-sim load --plugin URL    create, poll and delete many pods; show throughput and latencies
  interlink-sim fault --fail RULE    run a proxy in front of an API server that fails calls on purpose
  interlink-sim plan FILE...         tell what becomes of pods, before they are created
  interlink-sim rules                show the rules by which plugins are judged
  interlink-sim --version            show the version

interlink-sim COMMAND --help shows the options of a command.
`

// Exit codes.
const (
	exitFailed      = 1
	exitInvalid     = 2 // for invalid arguments
	exitUnreachable = 3 // the plugin did not answer the first ping
)

// command is a command of the program. flags declares its flags; run gets the
// arguments that are not flags.
type command struct {
	usage string
	flags func(*pflag.FlagSet)
	run   func(ctx context.Context, args []string) error
}

// streams are the inputs and outputs of a command.
type streams struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	// routeClientLogs, if not nil, sends client-go's own log lines of the whole process
	// to a logger.
	routeClientLogs func(*slog.Logger)
}

func (s streams) setClientLogger(log *slog.Logger) {
	if s.routeClientLogs != nil {
		s.routeClientLogs(log)
	}
}

// invalid is an error of invalid arguments.
type invalid struct{ error }

func invalidf(format string, args ...any) error { return invalid{fmt.Errorf(format, args...)} }

// errReported is the error of a failure that the command has already printed.
var errReported = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, os.Environ(), plugin.RouteClientLogs})
	stop()
	os.Exit(code)
}

// run runs a command and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	commands := map[string]func(streams) command{"replay": replayCommand, "serve": serveCommand, "load": loadCommand, "plan": planCommand, "fault": faultCommand, "rules": rulesCommand}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	switch newCommand, known := commands[name]; {
	case known:
		return runCommand(ctx, name, newCommand(s), args[1:], s)
	case name == "--version":
		_, _ = fmt.Fprintln(s.out, version)
		return 0
	case name == "--help", name == "-h", name == "help":
		_, _ = io.WriteString(s.out, usage)
		return 0
	case name != "":
		_, _ = fmt.Fprintf(s.err, "interlink-sim: there is no command %q\n\n", name)
	}
	_, _ = io.WriteString(s.err, usage)
	return exitInvalid
}

func runCommand(ctx context.Context, name string, c command, args []string, s streams) int {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	c.flags(flags)
	help := c.usage
	if options := flags.FlagUsages(); options != "" {
		help += "\n" + options
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		_, _ = io.WriteString(s.out, help)
		return 0
	case err != nil:
		err = invalid{err}
	default:
		err = c.run(ctx, flags.Args())
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return exitFailed
	case errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintf(s.err, "interlink-sim %s: interrupted\n", name)
		return exitFailed
	case errors.As(err, new(invalid)):
		_, _ = fmt.Fprintf(s.err, "interlink-sim %s: %v\n\n%s", name, err, strings.TrimLeft(help, "\n"))
		return exitInvalid
	}
	_, _ = fmt.Fprintf(s.err, "interlink-sim %s: %v\n", name, err)
	if errors.As(err, new(play.Unreachable)) || errors.As(err, new(load.Unreachable)) {
		return exitUnreachable
	}
	return exitFailed
}
