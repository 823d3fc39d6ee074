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

// shimPackage is the program that replaces runc on a host that does not allow what
// containers request.
const shimPackage = "github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine/runc-shim"

// allowsCapability reports whether processes of this machine can have a capability.
func allowsCapability(capability int) (bool, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, fmt.Errorf("read the capabilities of this process: %w", err)
	}
	return boundingSetHas(string(status), capability)
}

// boundingSetHas reports whether the bounding set in /proc/self/status has a capability
// (proc_pid_status(5)).
func boundingSetHas(status string, capability int) (bool, error) {
	for line := range strings.Lines(status) {
		if set, found := strings.CutPrefix(line, "CapBnd:"); found {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return bits&(1<<capability) != 0, err
		}
	}
	return false, fmt.Errorf("%q has no line CapBnd", status)
}

// Shim builds the program that replaces runc into a folder, and returns its path.
func Shim(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "runc-shim")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, shimPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return path, nil
}
