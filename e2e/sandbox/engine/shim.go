package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// sysResource is the number of CAP_SYS_RESOURCE (capabilities(7)).
const sysResource = 24

// shimPackage is the program that stands before runc where a host cannot grant
// what containers ask for.
const shimPackage = "github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine/runc-shim"

// grants says whether this machine's processes can have a capability at all.
func grants(capability int) (bool, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, fmt.Errorf("the capabilities of this process: %w", err)
	}
	return bounded(string(status), capability)
}

// bounded reads the bounding set out of /proc/self/status (proc_pid_status(5)).
func bounded(status string, capability int) (bool, error) {
	for line := range strings.Lines(status) {
		if set, found := strings.CutPrefix(line, "CapBnd:"); found {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return bits&(1<<capability) != 0, err
		}
	}
	return false, fmt.Errorf("no CapBnd in %q", status)
}

// Shim builds the program that stands before runc into a folder, and returns its
// path.
func Shim(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "runc-shim")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, shimPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return path, nil
}
