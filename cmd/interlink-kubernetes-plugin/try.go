package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/trial"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

const (
	tryEvery = time.Second // between two status calls; InterLink waits longer
	// tryNode is the virtual node that the pod is of, for the plugin.
	tryNode = "interlink-try"
	tryText = "this pod ran in the remote cluster"
)

// tryFlags are the flags of the command.
type tryFlags struct {
	plugin, interLink, tlsDir          string
	namespace, image, expect, override string
	wait, timeout                      time.Duration
}

func (p *program) tryCommand() *cobra.Command {
	var f tryFlags
	command := &cobra.Command{
		Use: "try [-- COMMAND [ARGUMENT]...]", GroupID: groupLook, Args: cobra.ArbitraryArgs,
		Short: "Send a pod to a running plugin, as InterLink does",
		Long: `Sends a pod to a running plugin, as InterLink does, and prints how far it comes: create, status until the pod has
ended, log, delete. The pod runs a command once, in the remote cluster. "helm test" runs this command.

Without --plugin and --interlink, the pod is sent to [app] socket_address of the configuration. With --interlink,
it is sent to an InterLink API server in front of the plugin, as virtual kubelets do.

Exit codes: 0 the pod ran, 1 a step failed, 2 the command or the configuration is not valid.`,
		Example: `  # Where the plugin runs
  interlink-kubernetes-plugin try --config config.ini

  # Through InterLink, with an image and a command that the remote cluster has
  interlink-kubernetes-plugin try --interlink http://interlink:3000 --image registry.example/tools:1 --expect ready -- /bin/self-test`,
		RunE: func(command *cobra.Command, args []string) error { return p.try(command, &f, args) },
	}
	set := command.Flags()
	set.SortFlags = false
	set.StringVar(&f.plugin, "plugin", "", "`address` of the plugin: unix:///path or http://host:port.")
	set.StringVar(&f.interLink, "interlink", "", "Instead of --plugin: `address` of an InterLink API server in front of it: http://host:port, https://host:port or unix:///path.")
	set.StringVar(&f.tlsDir, "tls-dir", "", "`folder` for https: ca.crt signed the server's certificate (without the file: a public authority), tls.crt and tls.key are the client's.")
	set.StringVarP(&f.namespace, "namespace", "n", "default", "Local `namespace` of the pod.")
	set.StringVar(&f.image, "image", "busybox:1.37", "`image` of the pod; the remote cluster pulls it.")
	set.StringVar(&f.expect, "expect", "", "`text` that the log of the pod must contain; empty: any log.")
	set.StringVar(&f.override, "overrides", "", "Change of the pod as JSON: a strategic merge `patch`. The container has the name main.")
	set.DurationVar(&f.wait, "wait", 30*time.Second, "How long to wait for a plugin that does not answer.")
	set.DurationVar(&f.timeout, "timeout", 5*time.Minute, "How long the pod may take to end.")
	for _, flag := range []string{"plugin", "interlink", "namespace", "image", "expect", "overrides", "wait", "timeout"} {
		complete(command, flag)
	}
	command.ValidArgsFunction = cobra.NoFileCompletions
	p.takesOptions(command)
	return command
}

// try runs the command.
func (p *program) try(command *cobra.Command, f *tryFlags, args []string) error {
	if command.ArgsLenAtDash() != 0 && len(args) > 0 {
		return invalidf("the command of the pod stands after --: %s try [flags] -- COMMAND", programName)
	}
	kubelet, err := p.tryKubelet(command, f)
	if err != nil {
		return err
	}
	pod, err := f.pod(args)
	if err != nil {
		return invalid(err)
	}
	if f.wait < 0 || f.timeout <= 0 {
		return invalidf("--wait must not be negative, and --timeout must be longer than 0s")
	}
	if len(args) == 0 && !command.Flags().Changed("expect") {
		f.expect = tryText
	}
	start := time.Now()
	err = trial.Run(command.Context(), trial.Options{
		Kubelet: kubelet, Pod: pod, Expect: f.expect, Startup: f.wait, Timeout: f.timeout, Every: tryEvery,
		Say: func(step, text string) {
			for line := range strings.Lines(text) {
				_, _ = fmt.Fprintf(p.stdout, "%7.1fs  %-7s %s\n", time.Since(start).Seconds(), step, console.Clean(strings.TrimRight(line, "\n")))
			}
		},
	})
	if err != nil {
		return errors.New(console.Line(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	_, err = fmt.Fprintln(p.stdout, "The plugin runs pods.")
	return err
}

// tryKubelet says where the pod is sent.
func (p *program) tryKubelet(command *cobra.Command, f *tryFlags) (virtualkubelet.Config, error) {
	config := virtualkubelet.Config{Plugin: f.plugin, Options: interlink.Options{Node: tryNode}}
	switch {
	case f.plugin != "" && f.interLink != "":
		return config, invalidf("give --plugin or --interlink, not both")
	case f.interLink != "":
		config.Plugin, config.InterLink = f.interLink, true
	case f.plugin == "":
		parsed, err := p.load(command)
		if err != nil {
			return config, err
		}
		network, address := parsed.Config.App.Listen()
		if network == "unix" {
			config.Plugin = "unix://" + address
		} else {
			config.Plugin = "http://" + address
		}
	}
	address, err := url.Parse(config.Plugin)
	isTLS := err == nil && config.InterLink && address.Scheme == "https"
	switch {
	case err != nil, address.User != nil, !isTLS && !slices.Contains([]string{"unix", "http"}, address.Scheme), address.Scheme == "unix" && address.Path == "", address.Scheme != "unix" && address.Host == "":
		return config, invalidf("the address is not one of unix:///path and http://host:port (or, with --interlink, https://host:port)")
	case !isTLS && f.tlsDir != "":
		return config, invalidf("--tls-dir is for --interlink https://host:port")
	case isTLS:
		config.TLS, err = readTLS(f.tlsDir)
	}
	return config, invalid(err)
}

// readTLS reads the files of --tls-dir; those that do not exist are left out.
func readTLS(dir string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if dir == "" {
		return config, nil
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("flag --tls-dir: %w", err)
	}
	authorities, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("flag --tls-dir: %w", err)
	default:
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, errors.New("flag --tls-dir: ca.crt has no certificate")
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if errors.Is(err, os.ErrNotExist) {
		return config, nil
	}
	if err != nil {
		return nil, fmt.Errorf("flag --tls-dir: tls.crt and tls.key: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// pod returns the pod that is sent.
func (f *tryFlags) pod(command []string) (*corev1.Pod, error) {
	if len(validation.ValidateNamespaceName(f.namespace, false)) > 0 {
		return nil, errors.New("--namespace is not the name of a namespace")
	}
	if strings.TrimSpace(f.image) == "" {
		return nil, errors.New("--image is empty")
	}
	if len(command) == 0 {
		command = []string{"echo", tryText}
	}
	pod := trial.Pod(f.namespace, tryNode+"-"+rand.String(5), f.image, command)
	if f.override == "" {
		return pod, nil
	}
	pod, err := trial.Override(pod, f.override)
	if err != nil {
		return nil, fmt.Errorf("--overrides: %w", err)
	}
	return pod, nil
}
