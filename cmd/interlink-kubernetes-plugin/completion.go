package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// shells are those that completion knows.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func (p *program) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "completion " + strings.Join(shells, "|"), GroupID: groupOther, Args: cobra.ArbitraryArgs,
		ValidArgs: shells,
		Short:     "Print the completion script of a shell",
		Long: `Prints a script that completes commands, flags and values in a shell. For bash, the package
bash-completion must be installed.`,
		Example: `  # bash, in this shell; and in each new one
  source <(interlink-kubernetes-plugin completion bash)
  interlink-kubernetes-plugin completion bash >/etc/bash_completion.d/interlink-kubernetes-plugin

  # zsh
  interlink-kubernetes-plugin completion zsh >"${fpath[1]}/_interlink-kubernetes-plugin"

  # fish
  interlink-kubernetes-plugin completion fish >~/.config/fish/completions/interlink-kubernetes-plugin.fish

  # PowerShell
  interlink-kubernetes-plugin completion powershell | Out-String | Invoke-Expression`,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) != 1 {
				return invalidf("name one shell: %s completion %s", programName, strings.Join(shells, "|"))
			}
			root := command.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.stdout, true)
			case "zsh":
				return root.GenZshCompletion(p.stdout)
			case "fish":
				return root.GenFishCompletion(p.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.stdout)
			}
			return invalidf("%s is not a shell that is known; the shells are %s", shown(args[0]), strings.Join(shells, ", "))
		},
	}
}

// complete completes the values of a flag.
func complete(command *cobra.Command, flag string, values ...string) {
	directive := cobra.ShellCompDirectiveNoFileComp
	err := command.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, directive
	})
	if err != nil {
		panic(err) // the flag does not exist, or has values already
	}
}

// completeOptions completes the values of options that have a few, and the names of files where an option is one.
func completeOptions(command *cobra.Command) {
	for _, option := range config.Options() {
		switch {
		case option.Kind == config.Bool:
			complete(command, option.Flag(), "true", "false")
		case option.Kind == config.Level:
			complete(command, option.Flag(), "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
		case len(option.Choices) > 0:
			complete(command, option.Flag(), option.Choices...)
		case !isFile(option.Key):
			complete(command, option.Flag())
		}
	}
}

// isFile reports whether the value of an option can be the path of a file or folder.
func isFile(key string) bool {
	switch key {
	case "kubeconfig_path", "admin_token_file", "bastion_chart_path", "dir", "claims", "placement", "namespace_template":
		return true
	}
	return false
}
