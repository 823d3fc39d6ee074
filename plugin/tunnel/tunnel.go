package tunnel

import (
	"fmt"
	"log/slog"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// hookTimeout limits each hook of a chart.
const hookTimeout = time.Minute

// Options are the options of the section [tcp_tunnel], and the log.
type Options struct {
	config.TCPTunnel
	Log *slog.Logger
}

// Tunnels opens and closes tunnels. Its methods are safe for concurrent use. Other
// replicas of the plugin may change the same releases.
type Tunnels struct {
	options Options
	cluster *helmCluster
	chart   []*loader.BufferedFile
	secret  secret
}

// New reads the chart, and sends no request. Its errors name the path of the chart.
func New(config *rest.Config, options Options) (*Tunnels, error) {
	t := &Tunnels{options: options, secret: newSecret(options.GatewaySSHPrivateKey.Reveal())}
	var err error
	if t.chart, err = readChart(options.BastionChartPath); err != nil {
		return nil, err
	}
	if options.GatewaySSHHostKey != "" {
		switch verified, err := verifiesHostKey(t.chart); {
		case err != nil:
			return nil, fmt.Errorf("read the bastion's chart at %s: %w", options.BastionChartPath, err)
		case !verified:
			return nil, fmt.Errorf("the bastion's chart at %s has no value tunnel.gateway.ssh.hostKey: it would not verify the host key of the gateway", options.BastionChartPath)
		}
	}
	if t.cluster, err = newHelmCluster(config, options.BastionNamespace, warnings{t}); err != nil {
		return nil, fmt.Errorf("create clients for Helm: %w", err)
	}
	return t, nil
}

// Namespace returns the namespace of the bastions.
func (t *Tunnels) Namespace() string { return t.options.BastionNamespace }
