package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// podsTimeout limits the duration of one run of the pods command.
const podsTimeout = 10 * time.Minute

func (p *program) podsCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "pods [NAME | NAMESPACE/NAME]...", GroupID: groupLook, Args: cobra.ArbitraryArgs,
		Short: "List the offloaded pods: local and remote names, state, warnings",
		Long: `Lists the offloaded pods of this installation: which remote pod a local pod is, and how it is. The pods are read
from the remote cluster; the plugin need not run. Names are those of local pods.

Exit codes: 0 done, 1 a pod does not exist or the list failed, 2 the command or the configuration is not valid.`,
		Example: `  interlink-kubernetes-plugin pods --k8s-kubeconfig-path remote.kubeconfig

  # Where do the pods of one local namespace run, why do they wait, and what could not be carried over?
  interlink-kubernetes-plugin pods -n demo -o wide

  # For programs
  interlink-kubernetes-plugin pods demo/web -o json`,
		RunE: p.runPods,
	}
	command.Flags().SortFlags = false
	command.Flags().StringP("namespace", "n", "", "Local `namespace` of the pods; empty: all.")
	complete(command, "namespace")
	addFormat(command, "table", "wide", "json", "yaml")
	command.ValidArgsFunction = cobra.NoFileCompletions
	p.takesOptions(command)
	return command
}

// runPods runs the pods command.
func (p *program) runPods(command *cobra.Command, names []string) error {
	format, err := formatOf(command)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !plain.MatchString(name) {
			return invalidf("%s is not the name of a pod: give NAME or NAMESPACE/NAME", shown(name))
		}
	}
	cfg, client, err := p.connect(command)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(command.Context(), podsTimeout)
	defer cancel()
	query := plugin.PodQuery{Namespace: command.Flag("namespace").Value.String(), Names: names}
	now, count := time.Now(), 0
	each, end := p.podWriter(format, now)
	note, err := plugin.ListPods(ctx, cfg, client, query, now, func(pods []plugin.ListedPod) error {
		count += len(pods)
		return each(pods)
	})
	if note != "" {
		_, _ = fmt.Fprintf(p.stderr, "%s: %s\n", command.CommandPath(), note)
	}
	switch {
	case errdefs.Is(err, errdefs.Refused):
		return fmt.Errorf("%s; %s check shows which permissions are missing", console.Line(err.Error()), programName)
	case err != nil && !errdefs.Is(err, errdefs.NotFound):
		return err
	}
	if endErr := end(); endErr != nil {
		return endErr
	}
	if count == 0 && err == nil {
		_, _ = fmt.Fprintf(p.stderr, "%s: no pods of installation %q are found\n", command.CommandPath(), cfg.App.Instance)
	}
	return err
}

// podWriter returns functions that write pods page by page, and the end.
func (p *program) podWriter(format string, now time.Time) (each func([]plugin.ListedPod) error, end func() error) {
	if format == "json" || format == "yaml" {
		list := console.NewList(p.stdout, format == "yaml")
		return func(pods []plugin.ListedPod) error {
			for i := range pods {
				if err := list.Add(pods[i]); err != nil {
					return err
				}
			}
			return nil
		}, list.Close
	}
	titles, wide, style := []string{"LOCAL NAMESPACE", "LOCAL NAME", "REMOTE NAMESPACE", "REMOTE NAME", "STATUS", "RESTARTS", "AGE", "WARNINGS"}, format == "wide", p.style()
	if wide {
		titles = append(titles, "VIRTUAL NODE", "NODE", "IP", "LOCAL UID", "WHY AND WARNINGS")
	}
	var table *console.Table
	return func(pods []plugin.ListedPod) error {
		for i := range pods {
			if table == nil {
				table = console.NewTable(p.stdout, titles...)
			}
			table.Cells(podCells(pods[i], now, wide, style)...)
		}
		if table == nil {
			return nil
		}
		return table.Flush()
	}, func() error { return nil }
}

// podCells returns a pod as a row.
func podCells(pod plugin.ListedPod, now time.Time, wide bool, style console.Style) []console.Cell {
	status := console.Cell{Text: pod.Status(), Paint: style.Warn}
	switch {
	case pod.NeedsAttention:
		status.Paint = style.Bad
	case pod.Phase == "Running", pod.Phase == "Succeeded":
		status.Paint = style.Good
	}
	age := "<unknown>"
	if !pod.Created.IsZero() {
		age = duration.HumanDuration(now.Sub(pod.Created))
	}
	text := func(text string) console.Cell { return console.Cell{Text: cmp.Or(text, "-")} }
	cells := []console.Cell{
		text(pod.Local.Namespace), text(pod.Local.Name), text(pod.Remote.Namespace), text(pod.Remote.Name),
		status, text(strconv.Itoa(pod.Restarts)), text(age), {Text: strconv.Itoa(len(pod.Warnings))},
	}
	if len(pod.Warnings) > 0 {
		cells[len(cells)-1].Paint = style.Warn
	}
	if wide {
		cells = append(cells, text(pod.Local.Node), text(pod.Remote.Node), text(pod.Remote.IP), text(pod.Local.UID), text(pod.Why()))
	}
	return cells
}
