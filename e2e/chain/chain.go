package chain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/process"
)

const (
	listenTimeout = time.Minute
	// The virtual kubelet marks its node as Ready only at its first ping, 30 s after its start.
	readyTimeout   = 3 * time.Minute
	cleanupTimeout = 2 * time.Minute
	pollInterval   = 200 * time.Millisecond
)

// Chain is a virtual node in the local cluster, with the programs behind it.
type Chain struct {
	config    Config
	ports     ports
	local     *localCluster
	interlink *process.Process
	kubelet   *process.Process
}

// Start prepares the local cluster, starts both programs, and waits until the virtual
// node is Ready. Its errors contain the ends of the programs' logs. The plugin must
// already listen.
func Start(ctx context.Context, config Config) (*Chain, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	local, err := connect(config.Kubeconfig)
	if err != nil {
		return nil, err
	}
	c := &Chain{config: config, local: local}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start InterLink: %w\n%s", err, c.Logs()), c.Stop())
	}
	return c, nil
}

func (c *Chain) start(ctx context.Context) error {
	// The node of a run that was killed could still be Ready.
	if err := c.local.deleteNode(ctx, c.config.NodeName); err != nil {
		return fmt.Errorf("delete objects of another run: %w", err)
	}
	token, err := c.local.createAccount(ctx, c.config.NodeName, c.config.Network != nil)
	if err != nil {
		return fmt.Errorf("prepare the local cluster: %w", err)
	}
	if c.ports, err = freePorts(c.config.HostAddress); err != nil {
		return err
	}
	if err := c.writeFiles(token); err != nil {
		return err
	}
	if c.interlink, err = process.Start(process.Spec{
		Path: filepath.Join(c.config.BinDir, interlinkProgram),
		Env:  c.config.interlinkEnv(),
		Log:  c.config.file(interlinkLog),
	}); err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(c.ports.interlink))
	if err := c.wait(ctx, listenTimeout, interlinkProgram+" listens", func(ctx context.Context) (bool, error) {
		return listens(ctx, address), nil
	}); err != nil {
		return err
	}
	return c.startVirtualKubelet(ctx)
}

func (c *Chain) writeFiles(token string) error {
	kubeconfig, err := c.local.kubeconfig(token)
	if err != nil {
		return err
	}
	interlink, err := c.config.interlinkYAML(c.ports)
	if err != nil {
		return err
	}
	kubelet, err := c.config.kubeletYAML(c.ports, c.local.config.Host)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		kubeconfigFile:  kubeconfig,
		interlinkConfig: interlink,
		kubeletConfig:   kubelet,
		tokenFile:       []byte(token), // without a newline, which would make the header of each request invalid
	} {
		if err := os.WriteFile(c.config.file(name), content, 0o600); err != nil {
			return err
		}
	}
	return os.MkdirAll(c.config.file(interlinkData), 0o700)
}

func (c *Chain) startVirtualKubelet(ctx context.Context) error {
	started := time.Now()
	var err error
	if c.kubelet, err = process.Start(process.Spec{
		Path: filepath.Join(c.config.BinDir, kubeletProgram),
		Env:  c.config.kubeletEnv(c.ports),
		Log:  c.config.file(kubeletLog),
	}); err != nil {
		return err
	}
	return c.wait(ctx, readyTimeout, "node "+c.config.NodeName+" is Ready", func(ctx context.Context) (bool, error) {
		return c.local.ready(ctx, c.config.NodeName, started)
	})
}

// RestartVirtualKubelet kills the virtual kubelet, as a crash of its host does, and
// starts it again.
func (c *Chain) RestartVirtualKubelet(ctx context.Context) error {
	c.KillVirtualKubelet()
	if err := c.startVirtualKubelet(ctx); err != nil {
		return fmt.Errorf("restart the virtual kubelet: %w\n%s", err, c.Logs())
	}
	return nil
}

// KillVirtualKubelet kills the virtual kubelet. RestartVirtualKubelet starts it again.
func (c *Chain) KillVirtualKubelet() { c.kubelet.Kill() }

// Stop stops the programs, and deletes the virtual node and what Start created from the
// local cluster. Delete the pods of the node first: otherwise the local cluster's garbage
// collector deletes them later.
func (c *Chain) Stop() error {
	for _, p := range []*process.Process{c.kubelet, c.interlink} {
		if p != nil {
			p.Stop()
		}
	}
	// Not the context of the caller, which may have ended.
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	if err := c.local.deleteNode(ctx, c.config.NodeName); err != nil {
		return fmt.Errorf("clean up the local cluster: %w", err)
	}
	return nil
}

// Wait returns nil when ctx ends. If a program ends before that, Wait returns why.
func (c *Chain) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.interlink.Done():
		return c.interlink.Ended()
	case <-c.kubelet.Done():
		return c.kubelet.Ended()
	}
}

// Logs returns the ends of the programs' logs, for the message of a failed test.
func (c *Chain) Logs() string {
	var ends []string
	for _, p := range []*process.Process{c.interlink, c.kubelet} {
		if p != nil {
			ends = append(ends, p.Tail())
		}
	}
	return strings.Join(ends, "\n")
}

// wait polls until a condition holds. It returns early when a program ends.
func (c *Chain) wait(ctx context.Context, timeout time.Duration, what string, condition func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error // of the API server, which may be temporary
	for {
		done, err := condition(ctx)
		if done {
			return nil
		}
		if err != nil {
			last = err
		}
		for _, p := range []*process.Process{c.interlink, c.kubelet} {
			if p == nil {
				continue
			}
			if err := p.Ended(); err != nil {
				return fmt.Errorf("wait until %s: %w", what, err)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait until %s: %w", what, ctx.Err()), last)
		case <-time.After(pollInterval):
		}
	}
}

func listens(ctx context.Context, address string) bool {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}
