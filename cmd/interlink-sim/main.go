// interlink-sim shows what an InterLink plugin does, without InterLink and
// without a cluster.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

// version is set by the linker.
var version = "dev"

const usage = `interlink-sim shows what the plugin does, without InterLink and without a cluster.

  interlink-sim plan FILE    the remote objects that a manifest, or a recorded create request,
                             would become, as a manifest with every warning; FILE is JSON or
                             YAML, - is standard input; nothing is contacted; the plugin's
                             environment and configuration file count
  interlink-sim --version
`

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)) }

// run does what the arguments ask for and returns the exit code: 1 for a failure,
// 2 for arguments that make no sense.
func run(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := pflag.NewFlagSet("interlink-sim", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "interlink-sim: %v\n\n%s", err, usage)
		return 2
	case *showVersion:
		_, _ = fmt.Fprintln(stdout, version)
		return 0
	case flags.NArg() != 2 || flags.Arg(0) != "plan":
		_, _ = io.WriteString(stderr, usage)
		return 2
	}
	if err := planFile(flags.Arg(1), environ, stdin, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "interlink-sim:", err)
		return 1
	}
	return 0
}

func planFile(file string, environ []string, stdin io.Reader, stdout io.Writer) error {
	text, err := read(file, stdin)
	if err != nil {
		return err
	}
	invocation, err := config.Parse(nil, environ)
	if err != nil {
		return err
	}
	manifest, err := plan.Of(text, plugin.Translation(invocation.Config))
	if err != nil {
		return err
	}
	_, err = stdout.Write(manifest)
	return err
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
