// Command runc-shim replaces runc on a host whose processes cannot have
// CAP_SYS_RESOURCE, as in many sandboxes. It removes from a container's specification
// what runc cannot grant there: that capability, resource limits higher than the host's,
// and out-of-memory scores lower than 0. Then it runs runc with the same arguments.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-shim:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	for i, arg := range args[:max(0, len(args)-1)] {
		switch arg {
		case "--bundle", "-b":
			if err := relaxFile(filepath.Join(args[i+1], "config.json")); err != nil {
				return err
			}
		case "--process", "-p":
			if err := relaxFile(args[i+1]); err != nil {
				return err
			}
		}
	}
	runc := "/usr/sbin/runc" // Debian's
	if _, err := os.Stat(runc); err != nil {
		if runc, err = exec.LookPath("runc"); err != nil {
			return err
		}
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

// relaxFile changes a specification in its file, if the file exists.
func relaxFile(path string) error {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	relaxed, err := relax(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, relaxed, 0o600)
}

// relax changes the config.json of a bundle, or a process specification of runc exec (OCI
// runtime specification, "process").
func relax(text []byte) ([]byte, error) {
	var spec map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a memory limit may be too large for a float
	if err := decoder.Decode(&spec); err != nil {
		return nil, err
	}
	process, whole := spec["process"].(map[string]any)
	if !whole {
		process = spec
	}
	delete(process, "rlimits")
	if score, found := process["oomScoreAdj"].(json.Number); found && strings.HasPrefix(score.String(), "-") {
		process["oomScoreAdj"] = 0
	}
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		if list, ok := set.([]any); ok {
			sets[name] = slices.DeleteFunc(list, func(capability any) bool { return capability == "CAP_SYS_RESOURCE" })
		}
	}
	return json.Marshal(spec)
}
