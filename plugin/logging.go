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

// NewLogger returns the configured logger: text for people or JSON, to w and,
// when a folder is configured, to a file in it named after the plugin. The caller
// closes what is returned beside it.
func NewLogger(cfg config.Config, w io.Writer) (*slog.Logger, io.Closer, error) {
	closer := io.NopCloser(nil)
	var out = w
	if cfg.Log.Dir != "" {
		if err := os.MkdirAll(cfg.Log.Dir, 0o755); err != nil {
			return nil, nil, fmt.Errorf("make the log folder: %w", err)
		}
		path := filepath.Join(cfg.Log.Dir, filepath.Base(cfg.App.Name)+".log")
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			return nil, nil, fmt.Errorf("open the log file: %w", err)
		}
		closer, out = file, io.MultiWriter(w, file)
	}
	options := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.RichEnabled {
		return slog.New(slog.NewTextHandler(out, options)), closer, nil
	}
	return slog.New(slog.NewJSONHandler(out, options)), closer, nil
}

// RouteClientLogs sends what client-go logs of its own to log. It is global to
// the process and so left to main.
func RouteClientLogs(log *slog.Logger) { klog.SetSlogLogger(log.With("component", "client-go")) }

// RouteHelmLogs sends what Helm prints by Go's standard logger to log, without the
// gateway's private key. It is global to the process and so left to main.
func RouteHelmLogs(log *slog.Logger, cfg config.Config) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(tunnel.NewRedactingWriter(log, cfg.TCPTunnel.GatewaySSHPrivateKey.Reveal()))
}
