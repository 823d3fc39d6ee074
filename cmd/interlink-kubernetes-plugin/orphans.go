package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// orphansTimeout limits the duration of one run of the orphans command.
const orphansTimeout = 10 * time.Minute

const orphansUsage = `Usage: interlink-kubernetes-plugin orphans list|delete [flags]

orphans list prints what no request will delete: remote pods that a running plugin has
marked, and objects without a pod. orphans delete also deletes what is due. The flags,
variables and files are those of the plugin; they say which remote cluster and which
installation are meant.

Exit codes: 0 done, 1 failed, 2 the command or the configuration is not valid.
`

// runOrphans runs "orphans list" or "orphans delete" and returns the exit code.
func runOrphans(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintln(stderr, "interlink-kubernetes-plugin orphans:", err)
		return code
	}
	if len(args) > 0 && (args[0] == "--help" || args[0] == "-h") {
		_, _ = io.WriteString(stdout, orphansUsage)
		return 0
	}
	if len(args) == 0 || args[0] != "list" && args[0] != "delete" {
		_, _ = io.WriteString(stderr, orphansUsage)
		return exitInvalid
	}
	parsed, err := config.Parse(args[1:], environ)
	switch {
	case parsed.Help:
		_, _ = io.WriteString(stdout, orphansUsage)
		return 0
	case err != nil:
		return fail(exitInvalid, err)
	}
	if parsed.Config.Offloading.OrphanGrace == 0 {
		return fail(exitInvalid, errors.New("[offloading] orphan_grace is 0s: nothing is an orphan"))
	}
	client, err := plugin.Connect(parsed.Config, version)
	if err != nil {
		return fail(exitInvalid, err)
	}
	tunnels, err := plugin.ConnectTunnels(parsed.Config, client, slog.New(slog.DiscardHandler))
	if err != nil {
		return fail(exitInvalid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, orphansTimeout)
	defer cancel()
	if err := plugin.Orphans(ctx, parsed.Config, client, tunnels, args[0] == "delete", stdout); err != nil {
		return fail(exitFailed, err)
	}
	return 0
}
