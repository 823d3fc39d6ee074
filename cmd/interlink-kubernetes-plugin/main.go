// interlink-kubernetes-plugin runs the pods of an InterLink virtual node in a
// remote Kubernetes cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // the image is built from scratch, without certificate authorities

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
)

// version is set by the linker (see the Makefile).
var version = "dev"

// Exit codes.
const (
	exitFailed  = 1
	exitInvalid = 2 // the command or the configuration is not valid
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the program with these arguments and returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{args: append([]string{}, args...), environ: environ, stdout: stdout, stderr: stderr}
	command, err := p.root().ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	// Each mistake is a line. Texts of the remote cluster are in some: a terminal must not act on them.
	for line := range strings.Lines(fmt.Sprintf("%s: %v", command.CommandPath(), err)) {
		_, _ = fmt.Fprintln(stderr, console.Line(line))
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitInvalid
	}
	return exitFailed
}

// usageError is a mistake in the command or in the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// invalid makes an error one of usage; a nil error stays nil.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func invalidf(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// program is one run of the program.
type program struct {
	args, environ  []string
	stdout, stderr io.Writer
}

// noArguments reports arguments that belong to no flag, without showing them.
func noArguments(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return config.ArgumentsError(len(args))
}
