package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
)

// side creates and deletes pods: the plugin, or one of its peers.
type side struct {
	name      string
	goal      *Goal  // of the plugin against this peer
	namespace string // of the remote objects
	// process sends the requests to the API server.
	process        int
	create, remove func(workload) error
}

// sides returns the plugin, and after it its peers.
func (b *Bench) sides(ctx context.Context) ([]side, error) {
	plugin, err := b.defaultProgram(ctx)
	if err != nil {
		return nil, err
	}
	peer, err := b.peerProgram(ctx)
	if err != nil {
		return nil, err
	}
	json, err := bare.NewJSONClient(b.server.Config)
	if err != nil {
		return nil, err
	}
	all := []side{
		behindSocket(ctx, plugin, side{name: "plugin", namespace: remoteNamespace}, ""),
		loop(ctx, b.client, side{name: bareLoop + " (defaults, no rate limit)", goal: atLeast(0.9), namespace: peerNamespace}),
		loop(ctx, json, side{name: bareLoop + " with JSON", namespace: peerNamespace + "-json"}),
		behindSocket(ctx, peer, side{name: sameLoop, namespace: peerNamespace + "-socket"}, "?namespace="+peerNamespace+"-socket"),
	}
	for _, s := range all[1:] {
		if err := b.bareNamespace(ctx, s.namespace); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Names of the peers of creates and deletes.
const (
	bareLoop = "bare client-go loop"
	sameLoop = "the same loop behind a unix socket"
)

// behindSocket returns a side that sends requests as InterLink does.
func behindSocket(ctx context.Context, p *program, s side, parameters string) side {
	call := func(path string, body []byte) error {
		_, err := p.call(ctx, http.MethodPost, path+parameters, body)
		return err
	}
	s.process = p.process.Process.Pid
	s.create = func(w workload) error { return call("/create", w.create) }
	s.remove = func(w workload) error { return call("/delete", w.delete) }
	return s
}

// loop returns a side that calls client-go.
func loop(ctx context.Context, client kubernetes.Interface, s side) side {
	s.process = os.Getpid()
	s.create = func(w workload) error { return bare.Create(ctx, client, w.remote) }
	s.remove = func(w workload) error { return bare.Delete(ctx, client, w.remote.Pod) }
	return s
}

// pods returns new pods for each side.
func (b *Bench) pods(sides []side, kind podKind) (pods [][]workload, err error) {
	pods = make([][]workload, len(sides))
	for i, s := range sides {
		if pods[i], err = workloads(kind, localNamespace, b.sizes.Pods); err != nil {
			return nil, fmt.Errorf("pods for the %s: %w", s.name, err)
		}
		if i > 0 {
			for _, w := range pods[i] {
				bare.Adapt(w.remote, s.namespace)
			}
		}
	}
	return pods, nil
}
