package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// checkTimeout limits the duration of a check.
const checkTimeout = 30 * time.Second

func (p *program) checkCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "check", GroupID: groupLook, Args: cobra.ArbitraryArgs,
		Short: "Check the configuration and the account in the remote cluster",
		Long: `Checks the configuration, connects to the remote cluster, and asks for each permission that the
plugin needs with this configuration. Nothing is changed.

Exit codes: 0 nothing is missing, 1 something is missing or failed, 2 the command or the configuration is not valid.`,
		Example: `  interlink-kubernetes-plugin check --k8s-kubeconfig-path remote.kubeconfig`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := noArguments(args); err != nil {
				return invalid(err)
			}
			return p.checkAsText(command)
		},
	}
	p.takesOptions(command)
	return command
}

// checkAsText is what --check does.
func (p *program) checkAsText(command *cobra.Command) error {
	_, err := tracing.Read(p.environ)
	cfg, client, err := p.connect(command, err)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(command.Context(), checkTimeout)
	defer cancel()
	return plugin.Check(ctx, cfg, client, p.stdout)
}
