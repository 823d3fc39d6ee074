package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Options configure [New].
type Options struct {
	// Server is an API server with controllers (see [apiserver.StartWithControllers]).
	Server *apiserver.Server
	// Program is the path of a built plugin; empty: it is built.
	Program string
	// LogDir is a folder for the logs of the plugin in runs that find something. If it
	// is empty, the logs are not kept.
	LogDir string
	// Patience is how long a run waits for something that must happen. It is long, since
	// a machine can be busy, and since the plugin waits up to a minute between two tries.
	// The default is three minutes.
	Patience time.Duration
	// Log reports progress.
	Log func(format string, args ...any)
}

// Chaos has what all runs share: the API server, its one node, and what is known of the
// objects in it.
type Chaos struct {
	options Options
	client  kubernetes.Interface
	program string
	dir     string // short: the path of a unix socket is limited to about 100 bytes
	remote  *recorder
	nodes   *node.Nodes
	stop    func()
}

// sites is the number of sites that this process has made. One Chaos after the other can use the same
// API server, where storms leave the pods that they keep: no two sites have the same namespaces.
var sites atomic.Int64

// New starts the simulated node. Call Close at the end.
func New(ctx context.Context, options Options) (_ *Chaos, err error) {
	options.Patience = cmp.Or(options.Patience, 3*time.Minute)
	config := rest.CopyConfig(options.Server.Config)
	config.QPS, config.ContentType = -1, "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c := &Chaos{options: options, client: client, program: options.Program}
	if c.dir, err = os.MkdirTemp("", "chaos"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(c.dir))
		}
	}()
	if c.program == "" {
		if c.program, err = c.build(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	if c.remote, err = newRecorder(ctx, client, options.Patience); err != nil {
		cancel()
		return nil, err
	}
	c.nodes = node.New(node.Options{
		Client: client, Behavior: untilDeleted, Name: "chaos", Clock: node.ScaledClock(10), ServeLogs: true,
		Workers: 16, Absent: c.remote.absent,
	})
	ended := make(chan error, 1)
	go func() { ended <- c.nodes.Run(ctx) }()
	c.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			options.Log("the simulated node: %v", err)
		}
		c.remote.close()
	}
	return c, nil
}

// Close ends what New has started.
func (c *Chaos) Close() error {
	c.stop()
	return os.RemoveAll(c.dir)
}

// build builds the plugin as users do, and returns its path.
func (c *Chaos) build(ctx context.Context) (string, error) {
	path := filepath.Join(c.dir, "plugin")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path,
		"github.com/interlink-hq/interlink-kubernetes-plugin/cmd/interlink-kubernetes-plugin")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	return path, nil
}

// untilDeleted is what the pods do: their containers run until they are stopped. Those
// of pods whose name begins with "short-" end by themselves.
func untilDeleted(pod *corev1.Pod) (scenario.Pod, bool) {
	behavior := scenario.Pod{Containers: map[string]scenario.Container{}}
	if strings.HasPrefix(pod.Name, shortPod) {
		return behavior, true
	}
	for _, c := range pod.Spec.Containers {
		behavior.Containers[c.Name] = scenario.Container{Run: &metav1.Duration{}}
	}
	return behavior, true
}

// shortPod is the beginning of the names of pods that end by themselves.
const shortPod = "short-"

// pause is the time between two looks at something.
const pause = 50 * time.Millisecond

// eventually waits until a condition holds, and reports whether it came to hold.
func (c *Chaos) eventually(ctx context.Context, condition func() bool) bool {
	return eventually(ctx, c.options.Patience, condition)
}

// eventually waits until a condition holds, and reports whether it came to hold.
func eventually(ctx context.Context, patience time.Duration, condition func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			return condition()
		case <-time.After(pause):
		}
	}
	return true
}
