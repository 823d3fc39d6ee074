package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

const planUsage = `interlink-sim plan FILE...

Tells what becomes of local pods before anyone creates them: whether the virtual kubelet sends each, what becomes of its
volumes, variables, names and placement, what the plugin would refuse or leave out, what cannot work, and the remote
objects, as a manifest with all else in comments. FILE is JSON or YAML; - is standard input. It has manifests (Pods, or
anything with pod templates: Jobs, Deployments, StatefulSets, JobSets, Volcano Jobs), a scenario or a recorded create
request. Kinds whose pods it does not know are named on standard error: give it their pods. The
plugin's environment variables and configuration file apply; the virtualKubelet and plugin options of a scenario override
them and the flags. No cluster is contacted. The exit code is 1 if a pod would not be sent, would be refused, or would lose
a part of it, and if a document cannot be read; hints do not count.
`

func planCommand(s streams) command {
	c := planRun{streams: s}
	return command{
		usage: planUsage,
		flags: func(flags *pflag.FlagSet) {
			vk := &c.settings.VirtualKubelet
			flags.BoolVar(&c.json, "json", false, "print a JSON list, with one object for each pod")
			flags.BoolVar(&vk.SkipDownwardAPIResolution, "skip-downward-api-resolution", false, "the virtual kubelet has skipDownwardAPIResolution: true")
			flags.BoolVar(&vk.DisableProjectedVolumes, "disable-projected-volumes", false, "the virtual kubelet has disableProjectedVolumes: true")
			flags.StringVar(&vk.KubernetesAPI, "kubernetes-api", "", "the `HOST:PORT` of the local API server that the virtual kubelet tells to pods")
		},
		run: func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return invalidf("a FILE is needed")
			}
			return c.run(ctx, args)
		},
	}
}

type planRun struct {
	streams
	settings plan.Settings
	json     bool
}

func (c *planRun) run(ctx context.Context, files []string) error {
	c.settings.Environ = c.environ
	var inputs []plan.Input
	for _, file := range files {
		text, err := read(file, c.in)
		if err != nil {
			return err
		}
		if file == "-" {
			file = "standard input"
		}
		inputs = append(inputs, plan.Input{Path: file, Text: text})
	}
	reports, invalidDocuments := plan.Reports(ctx, inputs, c.settings)
	if len(reports) == 0 {
		return invalidDocuments
	}
	if err := c.print(reports); err != nil {
		return err
	}
	for _, text := range plan.NotRead(inputs) {
		_, _ = fmt.Fprintln(c.err, text)
	}
	if invalidDocuments != nil {
		return invalidDocuments
	}
	for i := range reports {
		if reports[i].Loses() {
			return errReported
		}
	}
	return nil
}

func (c *planRun) print(reports []plan.Report) error {
	if c.json {
		text, err := plan.JSON(reports)
		if err != nil {
			return err
		}
		_, err = c.out.Write(text)
		return err
	}
	for i := range reports {
		if _, err := io.WriteString(c.out, reports[i].Text()); err != nil {
			return err
		}
	}
	return nil
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
