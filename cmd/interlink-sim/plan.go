package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

const planUsage = `interlink-sim plan FILE

Prints the remote objects that the plugin would create for a manifest, a scenario or a recorded create request, as
a manifest with every warning. FILE is JSON or YAML; - is standard input. The virtualKubelet and plugin options of a
scenario apply, and so do the plugin's environment variables and configuration file. No cluster is contacted.
`

func planCommand(s streams) command {
	return command{
		usage: planUsage,
		flags: func(*pflag.FlagSet) {},
		run: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return invalidf("exactly one FILE is needed")
			}
			return planFile(args[0], s)
		},
	}
}

func planFile(file string, s streams) error {
	text, err := read(file, s.in)
	if err != nil {
		return err
	}
	path := file
	if file == "-" {
		path = "standard input"
	}
	manifest, err := plan.File(path, text, s.environ)
	if err != nil {
		return err
	}
	_, err = s.out.Write(manifest)
	return err
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
