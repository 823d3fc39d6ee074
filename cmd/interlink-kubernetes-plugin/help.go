package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// help writes the help of a command.
func (p *program) help(command *cobra.Command) {
	_, _ = io.WriteString(p.stdout, helpText(command, terminalWidth(p.stdout)))
}

// helpCommand prints the help of a command, as --help does.
func (p *program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [command]", GroupID: groupOther, Args: cobra.ArbitraryArgs,
		Short:   "Print the help of a command",
		Long:    "Prints the help of a command, as --help does.",
		Example: "  interlink-kubernetes-plugin help orphans list",
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if found, rest, err := command.Root().Find(args); err == nil && len(rest) == 0 {
				for _, child := range found.Commands() {
					if !child.Hidden {
						names = append(names, child.Name()+"\t"+child.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(command *cobra.Command, args []string) error {
			found, rest, err := command.Root().Find(args)
			if err != nil || len(rest) > 0 {
				if found == nil {
					found = command.Root()
				}
				return unknownWord(found, append(rest, args...)[0])
			}
			p.help(found)
			return nil
		},
	}
}

// group returns a command that only has commands below it.
func (p *program) group(name, groupID, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, GroupID: groupID, Short: short, Long: short + ".", Args: cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return invalidf("a command is missing: %s", commandsBelow(command))
			}
			return unknownWord(command, args[0])
		},
	}
}

// commandsBelow returns the commands below another one, such as "orphans list|delete".
func commandsBelow(command *cobra.Command) string {
	var names []string
	for _, child := range command.Commands() {
		if !child.Hidden {
			names = append(names, child.Name())
		}
	}
	return command.CommandPath() + " " + strings.Join(names, "|")
}

// helpText returns the help of a command, for lines of a width; 0 for lines of any length.
func helpText(command *cobra.Command, width int) string {
	var text strings.Builder
	section := func(title, content string) {
		if content != "" {
			text.WriteString("\n" + title + ":\n" + strings.TrimRight(content, "\n") + "\n")
		}
	}
	text.WriteString(command.Long + "\n")
	section("Usage", "  "+usageLine(command))
	for _, group := range command.Groups() {
		section(group.Title, commandList(command, group.ID))
	}
	section("Commands", commandList(command, ""))
	section("Examples", command.Example)
	own, sections, bySection := flagsOf(command)
	section("Flags", own.FlagUsagesWrapped(width))
	if len(sections) > 0 && command.HasParent() && command.Name() != "serve" {
		text.WriteString("\nThe flags of options, such as --k8s-kubeconfig-path, --offloading-namespace and --app-instance, can be used, too:\n" +
			"\"" + programName + " --help\" lists them.\n")
		return text.String()
	}
	for _, name := range sections {
		section("Options of section ["+name+"]", bySection[name].FlagUsagesWrapped(width))
	}
	return text.String()
}

// usageLine says how a command is called.
func usageLine(command *cobra.Command) string {
	if command.HasParent() && command.HasSubCommands() {
		return commandsBelow(command) + " [flags]"
	}
	line := command.UseLine()
	if command.HasSubCommands() {
		line += " [command]"
	}
	return line + " [flags]"
}

// commandList returns the commands of a group that are below a command.
func commandList(command *cobra.Command, group string) string {
	var lines strings.Builder
	for _, child := range command.Commands() {
		if child.GroupID == group && !child.Hidden {
			name := child.Name()
			if child.HasSubCommands() {
				name = strings.TrimPrefix(commandsBelow(child), command.CommandPath()+" ")
			}
			lines.WriteString("  " + name + strings.Repeat(" ", max(32-len(name), 2)) + child.Short + "\n")
		}
	}
	return lines.String()
}

// flagsOf returns the flags of a command: its own, and those of options by section.
func flagsOf(command *cobra.Command) (own *pflag.FlagSet, sections []string, bySection map[string]*pflag.FlagSet) {
	own, bySection = newFlags(), map[string]*pflag.FlagSet{}
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		of := flag.Annotations[config.SectionAnnotation]
		if len(of) == 0 {
			own.AddFlag(flag)
			return
		}
		if bySection[of[0]] == nil {
			bySection[of[0]] = newFlags()
			sections = append(sections, of[0])
		}
		bySection[of[0]].AddFlag(flag)
	})
	return own, sections, bySection
}

func newFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	return flags
}
