package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

const programName = "interlink-kubernetes-plugin"

// The groups of commands in the help.
const (
	groupRun    = "run"
	groupLook   = "look"
	groupConfig = "config"
	groupOther  = "other"
)

func init() { cobra.EnableCommandSorting = false } // the help shows commands in the order of their use

// root returns the whole tree of commands. Without a command, the program serves.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   programName,
		Short: "Runs the pods of an InterLink virtual node in a remote Kubernetes cluster",
		Long: `Runs the pods of an InterLink virtual node in a remote Kubernetes cluster.
Without a command, it serves InterLink.

Each option can be set by a flag, by an environment variable or in the configuration file.
A flag overrides the environment, and the environment overrides the file.
For example, --app-socket-port, APP_SOCKET_PORT and socket_port in section [app] set the same option.
The commands serve, check, try, config print, pods and orphans read all of them.`,
		Example: `  # Check the configuration and the account in the remote cluster, then serve InterLink
  interlink-kubernetes-plugin check --config config.ini
  interlink-kubernetes-plugin --config config.ini`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: p.runWithoutCommand,
		// The command of this program has a description of its own.
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run the plugin"},
		&cobra.Group{ID: groupLook, Title: "Look at an installation"},
		&cobra.Group{ID: groupConfig, Title: "Configuration"},
		&cobra.Group{ID: groupOther, Title: "Other commands"},
	)
	root.SetArgs(p.args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetHelpFunc(func(command *cobra.Command, _ []string) { p.help(command) })
	root.SetFlagErrorFunc(p.flagError)
	root.Flags().SortFlags = false
	config.AddOldFlags(root.Flags())
	p.takesOptions(root)
	for _, command := range []*cobra.Command{
		p.serveCommand(), p.checkCommand(), p.tryCommand(), p.podsCommand(), p.orphansCommand(), p.configCommand(),
		p.completionCommand(), p.versionCommand(),
	} {
		root.AddCommand(command)
	}
	root.SetHelpCommand(p.helpCommand())
	root.InitDefaultHelpCmd()
	eachCommand(root, func(command *cobra.Command) {
		command.DisableFlagsInUseLine, command.SuggestionsMinimumDistance = true, 2
		command.Flags().BoolP("help", "h", false, "Print this help and exit.")
	})
	return root
}

// eachCommand calls each for a command and all below it.
func eachCommand(command *cobra.Command, each func(*cobra.Command)) {
	each(command)
	for _, child := range command.Commands() {
		eachCommand(child, each)
	}
}

// takesOptions adds the flags of all options to a command.
func (p *program) takesOptions(command *cobra.Command) {
	command.Flags().SortFlags = false
	config.AddFlags(command.Flags())
	completeOptions(command)
}

// load reads the configuration of a command that [program.takesOptions]. The result can be printed even if there is
// an error, which has all mistakes.
func (p *program) load(command *cobra.Command, extra ...error) (*config.ParseResult, error) {
	parsed, err := config.Load(command.Flags(), p.environ)
	return parsed, invalid(errors.Join(append(extra, err)...))
}

// connect reads the configuration, and returns a client of the remote cluster. It sends no request.
func (p *program) connect(command *cobra.Command, extra ...error) (config.Config, *plugin.Client, error) {
	parsed, err := p.load(command, extra...)
	if err != nil {
		return config.Config{}, nil, err
	}
	client, err := plugin.Connect(parsed.Config, version)
	return parsed.Config, client, invalid(err)
}

// flagError reports all mistakes of a command line together, and those of the configuration.
func (p *program) flagError(command *cobra.Command, err error) error {
	_, args, findErr := command.Root().Find(p.args)
	if findErr != nil { // impossible: the command was found before
		return invalid(err)
	}
	var problems []error
	for _, problem := range config.ParseFlags(command.Flags(), args) {
		problems = append(problems, problem)
	}
	if command.Flags().Lookup("config") == nil {
		return invalid(errors.Join(problems...))
	}
	_, err = p.load(command, problems...)
	return err
}

// runWithoutCommand does what the flags ask for.
func (p *program) runWithoutCommand(command *cobra.Command, args []string) error {
	asked := func(flag string) bool { value, err := command.Flags().GetBool(flag); return err == nil && value }
	wrong := unknownCommand(command, p.args, args)
	switch {
	case wrong != nil:
		_, err := p.load(command, wrong)
		return err
	case asked("version"):
		_, err := fmt.Fprintln(p.stdout, version)
		return err
	case asked("print-config"):
		return p.printConfig(command, "")
	case asked("check"):
		return p.checkAsText(command)
	}
	return p.serve(command)
}

// unknownCommand reports arguments that are neither a command nor a flag. It shows only what was surely meant as
// a command: others may be parts of a secret.
func unknownCommand(command *cobra.Command, line, args []string) error {
	if len(args) == 0 || len(line) == 0 || args[0] != line[0] {
		return noArguments(args)
	}
	return unknownWord(command, args[0])
}

// unknownWord reports a word that is no command below another one.
func unknownWord(command *cobra.Command, word string) error {
	if names := command.SuggestionsFor(word); len(names) > 0 {
		return invalidf("%s is not a command; did you mean %s?", shown(word), strings.Join(names, " or "))
	}
	if !command.HasSubCommands() {
		return invalidf("%s is not a command: %s has none", shown(word), command.CommandPath())
	}
	return invalidf("%s is not a command; the commands are %s", shown(word), commandsBelow(command))
}

// serveCommand is what the program does without a command.
func (p *program) serveCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "serve", GroupID: groupRun, Args: cobra.ArbitraryArgs,
		Short: "Serve InterLink until SIGTERM or SIGINT (without a command, too)",
		Long: `Serves InterLink until SIGTERM or SIGINT: pods that InterLink sends run in the remote cluster.

Exit codes: 0 stopped by a signal, 1 failed, 2 the command, the configuration or a file that it
names is not valid.`,
		Example: `  # With a configuration file; a flag overrides it
  interlink-kubernetes-plugin serve --config config.ini --log-level DEBUG`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := noArguments(args); err != nil {
				_, err = p.load(command, err)
				return err
			}
			return p.serve(command)
		},
	}
	p.takesOptions(command)
	return command
}

// serve runs the plugin until the command is interrupted.
func (p *program) serve(command *cobra.Command) error {
	// From here on, the signal does not end the program.
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	traces, err := tracing.Read(p.environ)
	parsed, err := p.load(command, err)
	if err != nil {
		return err
	}
	client, err := plugin.Connect(parsed.Config, version)
	if err != nil {
		return invalid(err)
	}
	if err := plugin.ReadFiles(parsed.Config); err != nil {
		return invalid(err)
	}
	read := func() (*config.ParseResult, error) { return config.Load(command.Flags(), p.environ) }
	return serve(command.Context(), parsed, read, reloads, traces, client, p.stdout)
}
