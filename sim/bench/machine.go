package bench

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// printMachine prints what the figures depend on.
func (b *Bench) printMachine(w io.Writer) error {
	version, err := b.client.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d cores, %s, %s %s/%s, Kubernetes %s; load average before: %s\n\n",
		runtime.NumCPU(), cpuModel(), runtime.Version(), runtime.GOOS, runtime.GOARCH, version.GitVersion, loadAverage())
	return err
}

const unknown = "not known"

// cpuModel returns the name of the CPU, where the system tells it in Linux' way.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	if found := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(text); found != nil {
		return string(found[1])
	}
	return "CPU " + unknown
}

// loadAverage returns the load of the last 1, 5 and 15 minutes.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); len(fields) >= 3 {
		return strings.Join(fields[:3], " ")
	}
	return unknown
}
