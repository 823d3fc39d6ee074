package plugin

import (
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"path/filepath"

	"k8s.io/klog/v2"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// NewLogger returns the configured logger, and what changes its level. It writes text or JSON to w and, if a
// folder is configured, also to a file in that folder, named after the plugin. The
// caller closes the returned closer.
func NewLogger(cfg config.Config, w io.Writer) (*slog.Logger, *slog.LevelVar, io.Closer, error) {
	closer := io.NopCloser(nil)
	var out = w
	if cfg.Log.Dir != "" {
		if err := os.MkdirAll(cfg.Log.Dir, 0o755); err != nil {
			return nil, nil, nil, fmt.Errorf("create the log folder: %w", err)
		}
		path := filepath.Join(cfg.Log.Dir, filepath.Base(cfg.App.Name)+".log")
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("open the log file: %w", err)
		}
		closer, out = file, io.MultiWriter(w, file)
	}
	level := new(slog.LevelVar)
	level.Set(cfg.Log.Level)
	options := &slog.HandlerOptions{Level: level}
	if cfg.Log.RichEnabled {
		return slog.New(slog.NewTextHandler(out, options)), level, closer, nil
	}
	return slog.New(slog.NewJSONHandler(out, options)), level, closer, nil
}

// RouteClientLogs sends client-go's own log messages to log. It changes a global
// setting of the process, so only main calls it.
func RouteClientLogs(log *slog.Logger) { klog.SetSlogLogger(log.With("component", "client-go")) }

// RouteHelmLogs sends what Helm prints with Go's standard logger to log, without the
// gateway's private key. It changes a global setting of the process, so only main
// calls it.
func RouteHelmLogs(log *slog.Logger, cfg config.Config) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(tunnel.NewRedactingWriter(log, cfg.TCPTunnel.GatewaySSHPrivateKey.Reveal()))
}
