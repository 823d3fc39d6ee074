package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// orphansTimeout limits the duration of one run of the orphans commands.
const orphansTimeout = 10 * time.Minute

const orphansHelp = `

The options say which remote cluster and which installation are meant.

Exit codes: 0 done, 1 failed, 2 the command or the configuration is not valid.`

func (p *program) orphansCommand() *cobra.Command {
	group := p.group("orphans", groupLook, "List or delete what no request will delete")
	group.Long = `orphans list prints what no request will delete: remote pods that a running plugin has
marked, and objects without a pod. orphans delete also deletes what is due.` + orphansHelp
	group.Example = "  interlink-kubernetes-plugin orphans list --k8s-kubeconfig-path remote.kubeconfig"
	command := func(name, short, long string) {
		command := &cobra.Command{
			Use: name, Short: short, Long: long + orphansHelp, Args: cobra.ArbitraryArgs,
			Example: "  interlink-kubernetes-plugin orphans " + name + " --k8s-kubeconfig-path remote.kubeconfig",
			RunE: func(command *cobra.Command, args []string) error {
				if err := noArguments(args); err != nil {
					return invalid(err)
				}
				return p.runOrphans(command, name == "delete")
			},
		}
		addFormat(command, "table", "json", "yaml")
		p.takesOptions(command)
		group.AddCommand(command)
	}
	command("list", "List what no request will delete",
		"Prints what no request will delete: remote pods that a running plugin has marked, and objects without a\npod. Nothing is changed.")
	command("delete", "List what no request will delete, and delete what is due",
		"Prints what orphans list prints, and deletes what is due.")
	return group
}

// runOrphans lists orphans, and deletes those that are due if remove is true.
func (p *program) runOrphans(command *cobra.Command, remove bool) error {
	format, err := formatOf(command)
	if err != nil {
		return err
	}
	cfg, client, err := p.connect(command)
	if err != nil {
		return err
	}
	if cfg.Offloading.OrphanGrace == 0 {
		return invalidf("[offloading] orphan_grace is 0s, so nothing is an orphan: set it to a duration such as 1h")
	}
	tunnels, err := plugin.ConnectTunnels(cfg, client, slog.New(slog.DiscardHandler))
	if err != nil {
		return invalid(err)
	}
	ctx, cancel := context.WithTimeout(command.Context(), orphansTimeout)
	defer cancel()
	found, err := plugin.Orphans(ctx, cfg, client, tunnels, remove)
	if errdefs.Is(err, errdefs.Refused) {
		err = fmt.Errorf("%w; %s check shows which permissions are missing", err, programName)
	}
	if found == nil {
		return err
	}
	write := p.writeOrphans
	if format != "table" {
		write = func(found *plugin.OrphansFound) error { return writerOf(format)(p.stdout, found) }
	}
	return errors.Join(write(found), err)
}

// writeOrphans writes orphans as a table.
func (p *program) writeOrphans(found *plugin.OrphansFound) error {
	table := console.NewTable(p.stdout, "KIND", "REMOTE", "LOCAL", "SINCE", "DUE", "WHY")
	for i := range found.Orphans {
		o := &found.Orphans[i]
		table.Row(o.Kind, o.Remote(), cmp.Or(o.Local, "-"), o.Since.Format(time.RFC3339), o.Due, o.Why)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var text strings.Builder
	for _, kind := range found.NotSearched {
		text.WriteString("not searched: " + console.Line(kind) + "\n")
	}
	if found.Deleted != nil {
		fmt.Fprintf(&text, "deleted: %d\n", *found.Deleted)
	}
	_, err := io.WriteString(p.stdout, text.String())
	return err
}
