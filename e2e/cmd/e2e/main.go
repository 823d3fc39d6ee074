// Command e2e runs the end-to-end tests on two kind clusters, which it creates and
// deletes:
//
//	e2e run [-- TEST FLAGS]    create the clusters, run the tests, delete the clusters
//	e2e up                     create the clusters and keep them
//	e2e chain PLUGIN           run InterLink between the local cluster and a plugin, until Ctrl-C
//	e2e down                   delete the clusters
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/clusters"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-ctx.Done()
		stop() // a second interrupt ends the program at once
	}()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		if ctx.Err() != nil {
			os.Exit(130) // interrupted
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	start := time.Now()
	h, err := harness.New(func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "e2e: %4.0f s: %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	})
	if err != nil {
		return err
	}
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	switch command {
	case "run", "up", "down":
	case "chain":
		if len(args) != 1 {
			return errors.New("chain needs the address of a plugin: unix:///path or http://host:port")
		}
		return h.Chain(ctx, args[0])
	default:
		return fmt.Errorf("unknown command %q: use run, up, chain or down", command)
	}
	unlock, err := h.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	switch command {
	case "down":
		return h.Down(ctx)
	case "up":
		return up(ctx, h)
	}
	return h.Run(ctx, os.Getenv(harness.EnvKeep) == "1", args)
}

func up(ctx context.Context, h *harness.Harness) error {
	if _, _, err := h.Up(ctx, true); err != nil {
		return errors.Join(err, h.Down(context.WithoutCancel(ctx)))
	}
	host := os.Getenv("DOCKER_HOST")
	if host != "" {
		host = "\n    export DOCKER_HOST=" + host
	}
	fmt.Printf("Two clusters are ready:%s\n    kubectl --kubeconfig %s get nodes\n    kubectl --kubeconfig %s get nodes\n",
		host, clusters.Kubeconfig(h.Folder, clusters.Local), clusters.Kubeconfig(h.Folder, clusters.Remote))
	return nil
}
