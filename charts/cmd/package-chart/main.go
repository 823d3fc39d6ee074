// package-chart writes a chart as the archive that Helm pushes and installs, with the version of a release.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

func main() {
	version := pflag.String("version", "", "version and appVersion of the chart; empty: those of Chart.yaml")
	pflag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: package-chart [--version VERSION] CHART FOLDER")
		pflag.PrintDefaults()
	}
	pflag.Parse()
	if pflag.NArg() != 2 {
		pflag.Usage()
		os.Exit(2)
	}
	file, err := write(pflag.Arg(0), pflag.Arg(1), *version)
	if err != nil {
		fmt.Fprintln(os.Stderr, "package-chart:", err)
		os.Exit(1)
	}
	fmt.Println(file)
}

// write returns the name of the archive. It reads the chart as "helm package" does, without the files that
// .helmignore names.
func write(from, folder, version string) (string, error) {
	chart, err := loader.Load(from)
	if err != nil {
		return "", fmt.Errorf("load the chart %s: %w", from, err)
	}
	if version != "" {
		chart.Metadata.Version, chart.Metadata.AppVersion = version, version
	}
	file, err := chartutil.Save(chart, folder)
	if err != nil {
		return "", fmt.Errorf("write the chart into %s: %w", folder, err)
	}
	return file, nil
}
