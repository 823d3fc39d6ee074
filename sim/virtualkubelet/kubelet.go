package virtualkubelet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// Config configures a Kubelet.
type Config struct {
	interlink.Options
	// Plugin is the plugin's address, unix:///path or http://host:port; a path after the
	// port comes before the path of each call.
	Plugin string
	// InterLink says that a real InterLink API server is at the address, in front of the
	// plugin. The calls are then those of InterLink's virtual kubelet, and the statuses of
	// earlier answers are kept there.
	InterLink bool
	// TLS permits https://host:port as an address, for an InterLink API server with TLS: how
	// its certificate is checked, and the certificate of the virtual kubelet. nil for none.
	TLS *tls.Config
	// HeaderTimeout bounds the time until the headers of an answer arrive; the
	// default is interlink.CallTimeout, and more for an InterLink API server.
	HeaderTimeout time.Duration
	// CallTimeout bounds a whole call other than one for a log. The default is no
	// limit, as InterLink has none.
	CallTimeout time.Duration
	// NewConnections says that each create and delete is sent on a new connection. InterLink
	// uses the one of an earlier call, and a plugin that closes that one just then loses the
	// call (docs/contract.md, HTTP-6).
	NewConnections bool
	// Settle is how long after the answer of its create no status call is sent for a pod: an
	// InterLink that does so by chance shows a moment that a caller cannot repeat.
	Settle time.Duration
	// Observe, if not nil, is called after each call (for a log: when it begins), from
	// many goroutines.
	Observe func(Call)
	// Shuffle, if not nil, gives the pods another order before each cycle of the status
	// loop: InterLink has none (docs/contract.md, STATUS-7). By default they keep the order
	// of their creation. It has the form of rand.Shuffle.
	Shuffle func(n int, swap func(i, j int))
}

// Call describes a call to the plugin.
type Call struct {
	// Name is CreatePod, GetStatus, DeletePod, GetLogs or Ping.
	Name     string
	Duration time.Duration
	// Status is the HTTP status of the answer, 0 if there was none; then Err says why.
	Status int
	Err    error
	// Idle is how long the connection of the call had not been used, 0 for a new one.
	Idle time.Duration
}

// minIdle is how long a connection was not used that counts as an idle one.
const minIdle = time.Second

// LostOnIdle reports whether a call has no answer because the plugin closed an idle
// connection while the request was sent (docs/contract.md, HTTP-6).
func (c Call) LostOnIdle() bool { return c.Idle > minIdle && (isReset(c.Err) || closedIdle(c.Err)) }

// LostConnection reports whether a call has no answer because its connection was closed.
func (c Call) LostConnection() bool {
	return isReset(c.Err) || closedIdle(c.Err) || errors.Is(c.Err, io.EOF) || errors.Is(c.Err, io.ErrUnexpectedEOF)
}

// Kubelet is the local cluster with its virtual node. It sends nothing by itself:
// the caller decides when to poll and to ping. It is safe for concurrent use. Methods
// take the name of a pod, or namespace/name if several pods have that name.
type Kubelet struct {
	options   interlink.Options
	address   string
	interLink bool
	client    *client
	shuffle   func(n int, swap func(i, j int))
	settle    time.Duration
	// polling allows one status call at a time (docs/contract.md, STATUS-1).
	polling sync.Mutex

	mu      sync.Mutex
	objects interlink.Objects
	pods    []*localPod // in order of creation
	byName  map[string]*localPod
	// answers is the cache of the InterLink API server, unless a real one is there. A
	// restart of the virtual kubelet does not clear it.
	answers map[types.UID]wire.PodStatus
	// panicked is not nil while the virtual kubelet is down.
	panicked *Panic
	// node is what the local cluster shows of the virtual node.
	node Node
}

// New returns a local cluster without pods. It sends nothing.
func New(config Config) (*Kubelet, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, err
	}
	shuffle := config.Shuffle
	if shuffle == nil {
		shuffle = func(int, func(i, j int)) {}
	}
	return &Kubelet{
		options: config.Options, address: config.Plugin, interLink: config.InterLink, client: client, shuffle: shuffle, settle: config.Settle,
		byName: map[string]*localPod{}, answers: map[types.UID]wire.PodStatus{},
		node: Node{Resources: defaultResources()},
	}, nil
}

// Apply adds ConfigMaps and Secrets to the local cluster.
func (k *Kubelet) Apply(objects interlink.Objects) {
	admitted := interlink.AdmitObjects(objects, k.options)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.objects.ConfigMaps = append(k.objects.ConfigMaps, admitted.ConfigMaps...)
	k.objects.Secrets = append(k.objects.Secrets, admitted.Secrets...)
}

// Close closes the idle connections to the plugin.
func (k *Kubelet) Close() { k.client.http.CloseIdleConnections() }

func (k *Kubelet) now() time.Time { return k.options.Now().Time }

// Phases returns the phases that the local cluster showed of a pod, in order.
func (k *Kubelet) Phases(name string) []corev1.PodPhase {
	var phases []corev1.PodPhase
	for _, change := range k.History(name) {
		phases = append(phases, change.Phase)
	}
	return phases
}

// History returns the same as Phases, with the times.
func (k *Kubelet) History(name string) []PhaseChange {
	k.mu.Lock()
	defer k.mu.Unlock()
	if pod := k.byName[name]; pod != nil {
		return slices.Clone(pod.history)
	}
	return nil
}

// Status returns the status of a pod in the local cluster, of a deleted pod the last
// one.
func (k *Kubelet) Status(name string) corev1.PodStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	if pod := k.byName[name]; pod != nil {
		return *pod.shown.DeepCopy()
	}
	return corev1.PodStatus{}
}

// IsStale reports whether the last status call of a pod changed nothing.
func (k *Kubelet) IsStale(name string) bool {
	k.polling.Lock() // it guards stale
	defer k.polling.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	pod := k.byName[name]
	return pod != nil && pod.stale > 0
}

// Pod returns a pod, deleted or not, as the local API server has it; nil if there
// never was one.
func (k *Kubelet) Pod(name string) *corev1.Pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	local := k.byName[name]
	if local == nil {
		return nil
	}
	pod := interlink.WithJobID(local.admitted, local.jobID())
	pod.Status = *local.shown.DeepCopy()
	return pod
}

// find returns a pod that is not deleted.
func (k *Kubelet) find(name string) (*localPod, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	pod := k.byName[name]
	if pod == nil || pod.deleted {
		return nil, notFound(name)
	}
	return pod, nil
}

func notFound(name string) error {
	return fmt.Errorf("pod %s does not exist in the local cluster", name)
}
