package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
)

// versions says what the program is made of. What is not known is empty.
type versions struct {
	Version string `json:"version"`
	// Commit and CommitTime are those of the repository that the program was built in; Modified says that files
	// were different.
	Commit     string `json:"commit"`
	CommitTime string `json:"commitTime"`
	Modified   bool   `json:"modified"`
	GoVersion  string `json:"goVersion"`
	Platform   string `json:"platform"`
	// KubernetesClient is the version of k8s.io/client-go.
	KubernetesClient string `json:"kubernetesClient"`
	// InterLink is the version of InterLink that docs/contract.md describes.
	InterLink string `json:"interLink"`
}

// contractVersion is the version of InterLink that docs/contract.md describes; a test compares them.
const contractVersion = "f6321757 (after 0.6.1)"

func (p *program) versionCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "version", GroupID: groupOther, Args: cobra.ArbitraryArgs,
		Short: "Print the version, and what the program is made of",
		Long:  "Prints the version, the commit, and the versions of Go, of the Kubernetes client and of InterLink's contract.",
		Example: `  interlink-kubernetes-plugin version
  interlink-kubernetes-plugin version -o json`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := noArguments(args); err != nil {
				return invalid(err)
			}
			format, err := formatOf(command)
			if err != nil {
				return err
			}
			v := readVersions(debug.ReadBuildInfo)
			switch format {
			case "json":
				return console.WriteJSON(p.stdout, v)
			case "yaml":
				return console.WriteYAML(p.stdout, v)
			}
			return p.printVersions(v)
		},
	}
	addFormat(command, "text", "json", "yaml")
	return command
}

func (p *program) printVersions(v versions) error {
	commit := cmp.Or(v.Commit, "not known")
	if v.CommitTime != "" {
		commit += " of " + v.CommitTime
	}
	if v.Modified {
		commit += ", with changes"
	}
	_, err := fmt.Fprintf(p.stdout, "%s %s\n  commit             %s\n  Go                 %s %s\n  Kubernetes client  %s\n  InterLink          %s\n",
		programName, v.Version, commit, v.GoVersion, v.Platform, cmp.Or(v.KubernetesClient, "not known"), v.InterLink)
	return err
}

// readVersions returns what the build says of itself.
func readVersions(read func() (*debug.BuildInfo, bool)) versions {
	v := versions{Version: version, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, InterLink: contractVersion}
	info, ok := read()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.CommitTime = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	for _, module := range info.Deps {
		if module.Path == "k8s.io/client-go" {
			v.KubernetesClient = module.Version
		}
	}
	return v
}
