package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
)

// Options say what a Bench measures.
type Options struct {
	// Server is an API server with controllers (see [apiserver.StartWithControllers]): what a deleted pod
	// owned is collected.
	Server *apiserver.Server
	// Program is the path of a built plugin, for example of an earlier version; empty: it is built.
	Program string
	// Only selects the measurements whose name it matches; empty: all.
	Only string
	// Measurements are those to choose from; nil: [Measurements].
	Measurements []Measurement
	Sizes        Sizes
	// Log reports progress; nil discards it.
	Log func(format string, args ...any)
}

// Sizes say how much is measured. A line takes the median of its rounds.
type Sizes struct {
	Rounds int
	// Pods is the number of pods of one round of creates and deletes.
	Pods int
	// Few and Many are the numbers of remote pods that two plugins have in their caches.
	Few, Many int
	// Calls is the number of status calls of one round.
	Calls int
	// Batch is the number of pods in one status call.
	Batch int
	// Events is the number of changes of a remote pod.
	Events int
	// Starts is the number of starts of a plugin.
	Starts int
	// Idle is how long the program does nothing before its memory is looked at.
	Idle time.Duration
	// Burst is the number of creates at once.
	Burst int
}

// DefaultSizes are those of make bench.
func DefaultSizes() Sizes {
	return Sizes{Rounds: 5, Pods: 256, Few: 100, Many: 10_000, Calls: 2000, Batch: 5000, Events: 100, Starts: 5, Idle: 10 * time.Second, Burst: 2000}
}

// Bench measures lines. It is not safe for concurrent use.
type Bench struct {
	options Options
	sizes   Sizes
	server  *apiserver.Server
	// client is an unlimited client of the bare loop.
	client     kubernetes.Interface
	dir        string // for sockets, logs and the program
	kubeconfig string
	program    string
	started    int   // the number of processes that were started
	launched   []int // their process IDs

	shared *program // with the default configuration; see defaultProgram
	peer   *program // see peerProgram
	cached *cachedPods

	burstClient kubernetes.Interface // of the user of the bursts
}

// New returns a Bench. Call Close at the end.
func New(ctx context.Context, options Options) (_ *Bench, err error) {
	if options.Log == nil {
		options.Log = func(string, ...any) {}
	}
	b := &Bench{options: options, sizes: options.Sizes, server: options.Server, program: options.Program}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	// The path of a unix socket is limited to about 100 bytes.
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	b.kubeconfig = filepath.Join(b.dir, "kubeconfig")
	if err = os.WriteFile(b.kubeconfig, options.Server.Kubeconfig(), 0o600); err != nil {
		return nil, err
	}
	if b.client, err = bare.NewClient(options.Server.Config); err != nil {
		return nil, err
	}
	if b.program == "" {
		if b.program, err = b.build(ctx, "cmd/interlink-kubernetes-plugin"); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// build builds a program as users build the plugin, and returns its path.
func (b *Bench) build(ctx context.Context, source string) (string, error) {
	path := filepath.Join(b.dir, filepath.Base(source))
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path,
		"github.com/interlink-hq/interlink-kubernetes-plugin/"+source)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", source, err, out)
	}
	return path, nil
}

// Close stops what the Bench has started. It leaves the API server and the cached pods.
func (b *Bench) Close() error {
	var err error
	for _, p := range []*program{b.shared, b.peer} {
		if p != nil {
			err = errors.Join(err, p.stop())
		}
	}
	b.shared, b.peer = nil, nil
	return errors.Join(err, os.RemoveAll(b.dir))
}

// path returns a short path for a file of the next plugin.
func (b *Bench) path(name string) string {
	return filepath.Join(b.dir, fmt.Sprintf("%d.%s", b.started, name))
}
