package play

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// pluginConfig returns the plugin's configuration: the user's environment variables,
// overridden by the options of the scenario.
func pluginConfig(file *scenario.File, options Options) (config.Config, error) {
	environ := []string{"CONFIG_FILE_PATH=" + os.DevNull} // no default file is read
	environ = append(environ, inSharedCluster(file, options)...)
	environ = append(environ, options.Environ...)
	for _, name := range slices.Sorted(maps.Keys(file.Plugin)) {
		environ = append(environ, name+"="+file.Plugin[name])
	}
	parsed, err := config.Parse(nil, environ)
	if err != nil {
		return config.Config{}, fmt.Errorf("configuration of the plugin: %w", err)
	}
	return parsed.Config, nil
}

// inSharedCluster returns the variables that keep the plugin of a scenario apart from those of others, if
// plugins with different options share the cluster. One is a namespace prefix for these options: what is in
// a remote namespace, such as the Pod Security Standard that it enforces, depends on the plugin that creates
// it. The other is an instance for a scenario that looks at what the virtual node offers: with quotas, this
// depends on all namespaces with pods of the instance.
func inSharedCluster(file *scenario.File, options Options) []string {
	if options.Client == nil || options.Plugin != "" || len(file.Plugin) == 0 && file.NamespaceTemplate == "" {
		return nil
	}
	hash := fnv.New32a()
	for _, name := range slices.Sorted(maps.Keys(file.Plugin)) {
		_, _ = fmt.Fprintln(hash, name, file.Plugin[name]) // it never fails
	}
	_, _ = fmt.Fprintln(hash, file.NamespaceTemplate)
	variables := []string{fmt.Sprintf("OFFLOADING_NAMESPACE_PREFIX=offloading-%08x", hash.Sum32())}
	if len(file.Expect.VirtualNode) > 0 {
		variables = append(variables, fmt.Sprintf("APP_INSTANCE=scenario-%08x", hash.Sum32()))
	}
	return variables
}

// startPlugin starts this plugin in the environment, on a unix socket, and returns
// its address.
func startPlugin(ctx context.Context, e *environment, cfg config.Config) (string, error) {
	folder, err := os.MkdirTemp("", "sim") // the path of a socket must be short
	if err != nil {
		return "", fmt.Errorf("create a folder for the plugin's socket: %w", err)
	}
	e.closers = append(e.closers, func() { _ = os.RemoveAll(folder) })
	address := "unix://" + filepath.Join(folder, "plugin.sock")
	cfg.App.SocketAddress = address
	cfg.App.AdminAddress = ""
	cfg.App.ShutdownGrace = time.Second
	if text := e.file.NamespaceTemplate; text != "" {
		cfg.Offloading.NamespaceTemplate = filepath.Join(folder, "namespace-template.yaml")
		if err := os.WriteFile(cfg.Offloading.NamespaceTemplate, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the namespace template of the scenario: %w", err)
		}
	}
	client := e.remote
	if kinds := e.file.RemoteSetup.SlowCreates; len(kinds) > 0 {
		e.slowCreates = newSlowCreates(kinds)
		client = delayedClient{client, e.slowCreates}
	}
	if e.options.change != nil {
		client = e.options.change(client)
	}
	var tunnels lifecycle.Tunnels
	if cfg.TCPTunnel.Enabled {
		tunnels = fakehelm.New(e.remote, cfg.TCPTunnel.BastionNamespace)
	}
	e.startAgain = func(ctx context.Context) error { return e.runPlugin(ctx, cfg, client, tunnels) }
	if err := e.startAgain(ctx); err != nil {
		return "", err
	}
	e.closers = append(e.closers, func() { e.stopPlugin() })
	return address, nil
}

// runPlugin starts this plugin, and keeps how to stop it.
func (e *environment) runPlugin(ctx context.Context, cfg config.Config, client kubernetes.Interface, tunnels lifecycle.Tunnels) (err error) {
	e.stopPlugin = func() {}
	e.plugin, err = plugin.New(cfg, client, tunnels, e.options.Version, e.options.Log.With("scenario", e.file.Name))
	if err != nil {
		return err
	}
	e.processed = e.plugin.HasProcessed
	if err := e.plugin.Listen(ctx); err != nil {
		return err
	}
	e.stopPlugin = inBackground(ctx, func(ctx context.Context) {
		if err := e.plugin.Run(ctx); err != nil {
			e.recorder.violation("", "the plugin ended: %v", err)
		}
	})
	return nil
}
