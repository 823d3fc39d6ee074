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
	"syscall"
	"time"

	_ "golang.org/x/crypto/x509roots/fallback" // the image is built from scratch, without certificate authorities

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// version is set by the linker (see the Makefile).
var version = "dev"

// Exit codes.
const (
	exitFailed  = 1
	exitInvalid = 2 // the configuration is not valid
)

// checkTimeout limits the duration of --check.
const checkTimeout = 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the program with these arguments and returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "orphans" {
		return runOrphans(ctx, args[1:], environ, stdout, stderr)
	}
	parsed, err := config.Parse(args, environ)
	traces, tracesErr := tracing.Read(environ)
	err = errors.Join(err, tracesErr)
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintln(stderr, "interlink-kubernetes-plugin:", err)
		return code
	}
	switch {
	case parsed.Help:
		_, _ = io.WriteString(stdout, config.Usage())
		return 0
	case parsed.Version:
		_, _ = fmt.Fprintln(stdout, version)
		return 0
	case parsed.PrintConfig:
		if printErr := parsed.Print(stdout); printErr != nil {
			return fail(exitFailed, printErr)
		}
		if err != nil {
			return fail(exitInvalid, err)
		}
		return 0
	case err != nil:
		return fail(exitInvalid, err)
	}

	cfg := parsed.Config
	client, err := plugin.Connect(cfg, version)
	if err != nil {
		return fail(exitInvalid, err)
	}
	if parsed.Check {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		if err := plugin.Check(ctx, cfg, client, stdout); err != nil {
			return fail(exitFailed, err)
		}
		return 0
	}
	if err := serve(ctx, parsed, traces, client, stdout); err != nil {
		return fail(exitFailed, err)
	}
	return 0
}
