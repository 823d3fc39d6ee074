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

Runs this plugin with a simulated remote cluster behind it, for a real InterLink or curl to talk to. Pods
start their containers after a second and end them after another; scenarios (files, or folders of them)
say what pods of their names do instead. The plugin's environment and configuration file count; what it
does is logged to standard error. It ends with Ctrl-C, and the cluster with it.

`

func serveCommand(s streams) command {
	var listen string
	var speed float64
	return command{
		usage: serveUsage,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&listen, "listen", "", "unix:///absolute/path or http://host:port")
			f.Float64Var(&speed, "speed", 1, "how many times as fast as on the clock the simulated nodes live")
		},
		run: func(ctx context.Context, args []string) error {
			if listen == "" {
				return invalidf("--listen is needed: where shall the plugin listen?")
			}
			if speed <= 0 {
				return invalidf("--speed must be more than 0")
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
	log, closer, err := plugin.NewLogger(parsed.Config, s.err)
	if err != nil {
		return err
	}
	defer closer.Close() //nolint:errcheck // nothing is left to be told to
	s.route(log)
	return serve.Run(ctx, serve.Options{
		Config: parsed.Config, Scenarios: files, Speed: speed, Version: version, Log: log,
		Listening: func(address net.Addr) {
			_, _ = fmt.Fprintf(s.out, "the plugin listens on %s\n", shown(listen, address))
		},
	})
}

// shown is the address as a client would name it; a port that was left to the
// system is known only now.
func shown(listen string, address net.Addr) string {
	if strings.HasPrefix(listen, "unix://") {
		return listen
	}
	return "http://" + address.String()
}
