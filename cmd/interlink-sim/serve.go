package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/serve"
)

const serveUsage = `interlink-sim serve --listen URL [--speed N] [PATH...]

Runs this plugin with a simulated remote cluster, for a real InterLink or for curl. Each container starts after one
second and ends after another. Scenarios (files, or folders of files) change this for the pods that they name. The
plugin's environment variables and configuration file apply; its log goes to standard error. Ctrl-C stops the plugin
and deletes the simulated cluster.

`

func serveCommand(s streams) command {
	var listen string
	var speed float64
	return command{
		usage: serveUsage,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&listen, "listen", "", "address of the plugin: unix:///absolute/path or http://host:port")
			f.Float64Var(&speed, "speed", 1, "speed of the simulated nodes: 2 is twice as fast as real time")
		},
		run: func(ctx context.Context, args []string) error {
			if listen == "" {
				return invalidf("--listen is needed: the address of the plugin")
			}
			if speed <= 0 {
				return invalidf("--speed must be greater than 0")
			}
			return serveURL(ctx, listen, speed, args, s)
		},
	}
}

func serveURL(ctx context.Context, listen string, speed float64, paths []string, s streams) error {
	parsed, err := config.Parse([]string{"--app-socket-address", listen}, s.environ)
	if err != nil {
		return err
	}
	var files []*scenario.File
	if len(paths) > 0 {
		if files, err = scenario.ReadAll(paths...); err != nil {
			return err
		}
	}
	log, _, closer, err := plugin.NewLogger(parsed.Config, s.err)
	if err != nil {
		return err
	}
	defer closer.Close() //nolint:errcheck // the log is closed, so there is nowhere to report it
	s.setClientLogger(log)
	return serve.Run(ctx, serve.Options{
		Config: parsed.Config, Scenarios: files, Speed: speed, Version: version, Log: log,
		Listening: func(address net.Addr) {
			_, _ = fmt.Fprintf(s.out, "the plugin listens on %s\n", shown(listen, address))
		},
	})
}

// shown returns the address for clients. The system chooses port 0's real port when
// the plugin listens.
func shown(listen string, address net.Addr) string {
	if strings.HasPrefix(listen, "unix://") {
		return listen
	}
	return "http://" + address.String()
}
