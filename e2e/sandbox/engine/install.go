package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Install installs programs that are missing. programs maps the name of a program to the
// Debian package that contains it.
func Install(ctx context.Context, log func(format string, args ...any), programs map[string]string) error {
	var packages []string
	for program, name := range programs {
		if _, err := exec.LookPath(program); err != nil && !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	slices.Sort(packages)
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return fmt.Errorf("not installed: %s (this can only be installed by root on Debian)", strings.Join(packages, ", "))
	}
	log("installing %s", strings.Join(packages, ", "))
	for _, args := range [][]string{{"update", "-qq"}, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}
