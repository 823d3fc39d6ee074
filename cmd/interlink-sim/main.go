// interlink-sim shows, judges and breaks InterLink plugins, without InterLink and
// without a cluster.
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
)

// version is set by the linker.
var version = "dev"

const usage = `interlink-sim shows, judges and breaks InterLink plugins, without InterLink and without a cluster.

  interlink-sim replay PATH...       play scenarios against this plugin, or any other, and judge it
  interlink-sim serve --listen URL   this plugin with a simulated remote cluster behind it
  interlink-sim load --plugin URL    create, poll and delete many pods; throughput and latencies
  interlink-sim plan FILE            the remote objects that a manifest would become
  interlink-sim --version

interlink-sim COMMAND --help says more.
`

// Exit codes.
const (
	exitFailed  = 1
	exitInvalid = 2 // the arguments
)

// command is one of the program's. It fills in its flags, which are parsed
// before run gets what is left of the arguments.
type command struct {
	usage string
	flags func(*pflag.FlagSet)
	run   func(ctx context.Context, args []string) error
}

// streams are what a command talks through.
type streams struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	// clientLogs, if it is there, takes over what client-go logs of its own, for the
	// whole process.
	clientLogs func(*slog.Logger)
}

func (s streams) route(log *slog.Logger) {
	if s.clientLogs != nil {
		s.clientLogs(log)
	}
}

// invalid are arguments that make no sense.
type invalid struct{ error }

func invalidf(format string, args ...any) error { return invalid{fmt.Errorf(format, args...)} }

// errJudged is a failure that has been said already.
var errJudged = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, os.Environ(), plugin.RouteClientLogs})
	stop()
	os.Exit(code)
}

// run does what the arguments ask for and returns the exit code: 1 for a failure,
// 2 for arguments that make no sense.
func run(ctx context.Context, args []string, s streams) int {
	commands := map[string]func(streams) command{"replay": replayCommand, "serve": serveCommand, "load": loadCommand, "plan": planCommand}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	switch make, known := commands[name]; {
	case known:
		return runCommand(ctx, name, make(s), args[1:], s)
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
	case errors.Is(err, errJudged):
		return exitFailed
	case errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintf(s.err, "interlink-sim %s: interrupted\n", name)
		return exitFailed
	case errors.As(err, new(invalid)):
		_, _ = fmt.Fprintf(s.err, "interlink-sim %s: %v\n\n%s", name, err, strings.TrimLeft(help, "\n"))
		return exitInvalid
	}
	_, _ = fmt.Fprintf(s.err, "interlink-sim %s: %v\n", name, err)
	return exitFailed
}
