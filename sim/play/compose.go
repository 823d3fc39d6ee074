package play

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// configure reads the plugin's options: the user's where a cluster is named, and
// over them the scenario's.
func configure(file *scenario.File, options Options) (config.Config, error) {
	environ := []string{"CONFIG_FILE_PATH=" + os.DevNull} // no file but one that is named
	environ = append(environ, options.Environ...)
	for _, name := range slices.Sorted(maps.Keys(file.Plugin)) {
		environ = append(environ, name+"="+file.Plugin[name])
	}
	invocation, err := config.Parse(nil, environ)
	if err != nil {
		return config.Config{}, fmt.Errorf("the plugin's configuration: %w", err)
	}
	return invocation.Config, nil
}

// startPlugin starts this plugin behind a unix socket, and returns its address.
func (s *stage) startPlugin(ctx context.Context, cfg config.Config) (string, error) {
	folder, err := os.MkdirTemp("", "sim") // short, as a socket's path must be
	if err != nil {
		return "", fmt.Errorf("a folder for the plugin's socket: %w", err)
	}
	s.ending = append(s.ending, func() { _ = os.RemoveAll(folder) })
	address := "unix://" + filepath.Join(folder, "plugin.sock")
	cfg.App.SocketAddress = address
	cfg.App.AdminAddress = ""
	cfg.App.ShutdownGrace = time.Second
	var exposed lifecycle.Tunnels
	if cfg.TCPTunnel.Enabled {
		exposed = fakehelm.New(s.remote, cfg.TCPTunnel.BastionNamespace)
	}
	s.plugin, err = plugin.New(cfg, s.remote, exposed, s.options.Version, s.options.Log.With("scenario", s.file.Name))
	if err != nil {
		return "", err
	}
	if err := s.plugin.Listen(ctx); err != nil {
		return "", err
	}
	s.background(ctx, func(ctx context.Context) {
		if err := s.plugin.Run(ctx); err != nil {
			s.record.trouble("the plugin ended: %v", err)
		}
	})
	return address, nil
}
