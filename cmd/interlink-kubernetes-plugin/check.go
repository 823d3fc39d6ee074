package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// checkTimeout limits the duration of a check.
const checkTimeout = 30 * time.Second

func (p *program) checkCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "check", GroupID: groupLook, Args: cobra.ArbitraryArgs,
		Short: "Check the configuration and the account in the remote cluster",
		Long: `Checks the configuration, connects to the remote cluster, and asks for each permission that the
plugin needs with this configuration, and for the classes that it names. Nothing is changed.

With --fix, it prints the roles and bindings that the account lacks, for an administrator of the remote
cluster to read and apply. Roles that were applied before stay as they are.

Exit codes: 0 nothing that is required is missing, or --fix has printed it; 1 something is missing (with --fix: a
class) or failed;
2 the command or the configuration is not valid.`,
		Example: `  interlink-kubernetes-plugin check --k8s-kubeconfig-path remote.kubeconfig

  # Grant what is missing
  interlink-kubernetes-plugin check --fix --k8s-kubeconfig-path remote.kubeconfig | kubectl --context admin apply -f -`,
		RunE: p.runCheck,
	}
	command.Flags().SortFlags = false
	command.Flags().Bool("fix", false, "Print the RBAC manifests with the required permissions that are missing.")
	command.Flags().Bool("optional", false, "With --fix: the optional permissions that are missing, too.")
	addFormat(command, "table", "wide", "json", "yaml")
	p.takesOptions(command)
	return command
}

// runCheck runs the check command.
func (p *program) runCheck(command *cobra.Command, args []string) error {
	asked := func(flag string) bool { value, err := command.Flags().GetBool(flag); return err == nil && value }
	format, err := formatOf(command)
	switch fix := asked("fix"); {
	case err != nil:
		return err
	case len(args) > 0:
		return invalid(noArguments(args))
	case fix && command.Flags().Changed(formatFlag):
		return invalidf("--fix prints YAML: leave out -o")
	case !fix && asked("optional"):
		return invalidf("--optional needs --fix")
	}
	_, err = tracing.Read(p.environ)
	cfg, client, err := p.connect(command, err)
	if err != nil {
		return err
	}
	if err := plugin.ReadFiles(cfg); err != nil {
		return invalid(err)
	}
	ctx, cancel := context.WithTimeout(command.Context(), checkTimeout)
	defer cancel()
	review, err := plugin.NewReview(ctx, cfg, client)
	if err != nil {
		return err
	}
	if asked("fix") {
		if err := p.printFix(ctx, review, client, asked("optional")); err != nil {
			return err
		}
		return review.ClassesErr() // no role brings a class
	}
	if err := p.printReview(review, format); err != nil {
		return err
	}
	if err := review.Err(); err != nil {
		if required, _ := review.Missing(); required > 0 {
			return fmt.Errorf("%w; %s check --fix prints the RBAC manifests for an administrator", err, programName)
		}
		return err
	}
	return nil
}

// printFix prints the manifests, and tells a reader on standard error what they leave out.
func (p *program) printFix(ctx context.Context, review *plugin.Review, client *plugin.Client, optional bool) error {
	manifests, count, err := review.Fix(ctx, client, optional)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(p.stdout, manifests); err != nil {
		return err
	}
	if _, others := review.Missing(); others > 0 && !optional {
		_, _ = fmt.Fprintf(p.stderr, "%s check: %d required permissions are printed; %d optional ones are missing, too: --optional adds them\n", programName, count, others)
	}
	return nil
}

// reviewDocument is a review as programs read it.
type reviewDocument struct {
	Server     string             `json:"server"`
	Scope      string             `json:"scope"`
	OK         bool               `json:"ok"`
	Checks     []plugin.CheckLine `json:"checks"`
	Namespaces []string           `json:"namespaces"`
	Notices    []string           `json:"notices"`
}

// printReview prints a review in a format.
func (p *program) printReview(review *plugin.Review, format string) error {
	lines := review.Lines()
	if format == "json" || format == "yaml" {
		return writerOf(format)(p.stdout, reviewDocument{
			Server: review.Server, Scope: review.Where(), OK: review.Err() == nil, Checks: lines,
			Namespaces: append([]string{}, review.Namespaces...), Notices: review.Notices,
		})
	}
	style := p.style()
	paint := map[string]func(string) string{plugin.CheckOK: style.Good, plugin.CheckOptional: style.Warn, plugin.CheckMissing: style.Bad}
	var text strings.Builder
	text.WriteString(console.Line("remote API server "+review.Server+", permissions "+review.Where()) + "\n\n")
	titles := []string{"WHAT", "RESULT", "WHAT TO DO"}
	if format == "wide" {
		titles = []string{"WHAT", "FOR", "RESULT", "WHAT TO DO"}
	}
	table := console.NewTable(&text, titles...)
	for _, line := range lines {
		result := console.Cell{Text: line.Result, Paint: paint[line.Result]}
		if format == "wide" {
			table.Cells(console.Cell{Text: line.What}, console.Cell{Text: line.For}, result, console.Cell{Text: line.Do})
			continue
		}
		do := line.Do
		if do != "" {
			do += ": " + line.For
		}
		table.Cells(console.Cell{Text: line.What}, result, console.Cell{Text: do})
	}
	if err := table.Flush(); err != nil {
		return err
	}
	text.WriteString("\n")
	for _, line := range append(append([]string{}, review.Namespaces...), review.Notices...) {
		text.WriteString(console.Line(line) + "\n")
	}
	_, err := io.WriteString(p.stdout, text.String())
	return err
}

// checkAsText is what --check does.
func (p *program) checkAsText(command *cobra.Command) error {
	_, err := tracing.Read(p.environ)
	cfg, client, err := p.connect(command, err)
	if err != nil {
		return err
	}
	if err := plugin.ReadFiles(cfg); err != nil {
		return invalid(err)
	}
	ctx, cancel := context.WithTimeout(command.Context(), checkTimeout)
	defer cancel()
	return plugin.Check(ctx, cfg, client, p.stdout)
}
