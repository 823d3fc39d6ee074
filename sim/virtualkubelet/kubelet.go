package virtualkubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Config says which plugin a Kubelet talks to, and how.
type Config struct {
	Options
	// Plugin is unix:///path or http://host:port.
	Plugin string
	// HeaderTimeout is how long an answer may take to begin; the default is
	// InterLink's 120 s.
	HeaderTimeout time.Duration
	// CallTimeout is how long a whole call may take, but a log's; by default there
	// is no limit, as InterLink has none.
	CallTimeout time.Duration
	// Observe, if it is there, is told of each call once it is over (of a log: once
	// it begins), from many goroutines.
	Observe func(Call)
}

// Call is one that was made to the plugin.
type Call struct {
	// Name is CreatePod, GetStatus, DeletePod, GetLogs or Ping.
	Name string
	Took time.Duration
	// Status is the answer's HTTP status, 0 if there was none: Err says why.
	Status int
	Err    error
}

// Kubelet is the local cluster with its virtual node. It does nothing by itself:
// who uses it says when to poll and to ping. Its methods may be called at the
// same time from many goroutines. A pod is named by its name, or as
// namespace/name where several have that name.
type Kubelet struct {
	options Options
	address string
	client  *client
	// polling: there is one status loop, and it asks for one pod at a time.
	polling sync.Mutex

	mu      sync.Mutex
	objects Objects
	pods    []*local // in order of creation
	byName  map[string]*local
	// answers is the InterLink API server's memory: it outlives the virtual kubelet.
	answers map[types.UID]wire.PodStatus
	down    *Panic
}

// New returns a local cluster without pods. Nothing is sent yet.
func New(config Config) (*Kubelet, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, err
	}
	return &Kubelet{
		options: config.Options, address: config.Plugin, client: client,
		byName: map[string]*local{}, answers: map[types.UID]wire.PodStatus{},
	}, nil
}

// Apply puts ConfigMaps and Secrets into the local cluster.
func (k *Kubelet) Apply(objects Objects) {
	admitted := AdmitObjects(objects, k.options)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.objects.ConfigMaps = append(k.objects.ConfigMaps, admitted.ConfigMaps...)
	k.objects.Secrets = append(k.objects.Secrets, admitted.Secrets...)
}

// Close drops the connections to the plugin.
func (k *Kubelet) Close() { k.client.http.CloseIdleConnections() }

func (k *Kubelet) now() time.Time { return k.options.now().Time }

// Create applies a pod's manifest, and returns once the plugin has answered its
// create: a *Refusal has made the pod Failed. Any other error means that create
// was not sent, or that the context ended: then the pod is Pending, without a
// job ID.
func (k *Kubelet) Create(ctx context.Context, manifest *corev1.Pod) error {
	l := newLocal(Admit(manifest, k.options), k.now())
	name := l.admitted.Name
	full := l.admitted.Namespace + "/" + name
	k.mu.Lock()
	if old, ok := k.byName[full]; ok && !old.gone {
		k.mu.Unlock()
		return fmt.Errorf("the local cluster has a pod %s already", full)
	}
	k.pods = append(k.pods, l)
	k.byName[full] = l
	if old, ok := k.byName[name]; !ok || old.gone {
		k.byName[name] = l
	}
	k.mu.Unlock()
	return k.create(ctx, l, true)
}

// CreateAgain sends a pod's create once more, while the pod lives.
func (k *Kubelet) CreateAgain(ctx context.Context, name string) error {
	l, err := k.living(name)
	if err != nil {
		return err
	}
	k.mu.Lock()
	never := l.kept == nil
	k.mu.Unlock()
	return k.create(ctx, l, never)
}

// create sends a create. The first one, and that of a virtual kubelet that has
// forgotten the pod, begin the pod's status anew.
func (k *Kubelet) create(ctx context.Context, l *local, anew bool) error {
	k.mu.Lock()
	var frozen error // the local API server may refuse to begin the status anew
	if anew {
		l.kept = submitted(l.admitted, k.options)
		frozen = l.update(k.now())
	}
	body, err := CreateRequest(l.admitted, k.objects, k.options)
	k.mu.Unlock()
	if err != nil {
		// The pod is asked for nevertheless, as long as it is waited for.
		return fmt.Errorf("create of pod %s is not sent: %w", l.admitted.Name, err)
	}

	status, answer, err := k.client.call(ctx, http.MethodPost, "/create", k.client.session("CreatePod"), body)
	if ctx.Err() != nil {
		return fmt.Errorf("create of pod %s: %w", l.admitted.Name, ctx.Err())
	}
	jobID, refusal := judgeCreate(l.admitted, status, answer, err)

	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case refusal != nil:
		if !l.gone {
			l.kept.Status = refused(l.admitted, refusal, k.options)
			return errors.Join(refusal, l.update(k.now()))
		}
		return refusal
	case !l.gone && l.kept != nil:
		l.kept = withJobID(l.kept, jobID)
	}
	return frozen
}

// judgeCreate returns the job ID, or why the pod has failed.
func judgeCreate(pod *corev1.Pod, status int, answer []byte, err error) (string, *Refusal) {
	refusal := &Refusal{Pod: pod.Name, Status: status, Body: string(answer)}
	if err != nil {
		refusal.Body = err.Error()
		return "", refusal
	}
	if status != http.StatusOK {
		return "", refusal
	}
	var created wire.CreateResponse
	if err := json.Unmarshal(answer, &created); err != nil {
		refusal.Body = fmt.Sprintf("not one JSON object (%v): %s", err, excerpt(answer))
		return "", refusal
	}
	if created.PodUID != string(pod.UID) {
		refusal.Body = fmt.Sprintf("PodUID is not the pod's, %s: %s", pod.UID, excerpt(answer))
		return "", refusal
	}
	return created.PodJID, nil
}

// Ping asks whether the node is ready, and returns the answer's text, which may
// be an object with the node's resources. Any error makes the node NotReady.
func (k *Kubelet) Ping(ctx context.Context) ([]byte, error) {
	status, answer, err := k.client.call(ctx, http.MethodGet, "/status", pingSession(), PingRequest())
	if err != nil {
		return nil, fmt.Errorf("ping: %w", err)
	}
	if status != http.StatusOK {
		return answer, fmt.Errorf("ping was answered %d: %s", status, excerpt(answer))
	}
	return answer, nil
}

// CheckPlugin pings, and says what is wrong if what is at the address is no plugin,
// also where InterLink would not mind.
func (k *Kubelet) CheckPlugin(ctx context.Context) error {
	answer, err := k.Ping(ctx)
	if err != nil {
		return fmt.Errorf("there is no plugin at %s: %w", k.address, err)
	}
	text := bytes.TrimSpace(answer)
	if !json.Valid(text) || text[0] != '[' && text[0] != '{' {
		return fmt.Errorf("what is at %s is no plugin: it answers the ping (GET /status with []) with %q", k.address, excerpt(text))
	}
	return nil
}

// Logs asks for a container's log. The caller closes it; a log that is followed
// ends with the context too.
func (k *Kubelet) Logs(ctx context.Context, name, container string, opts wire.LogOpts) (io.ReadCloser, error) {
	l, err := k.living(name)
	if err != nil {
		return nil, err
	}
	body := LogRequest(l.admitted, container, opts)
	began := time.Now()
	response, err := k.client.send(ctx, http.MethodGet, "/getLogs", k.client.session("GetLogs"), body)
	call := Call{Name: "GetLogs", Took: time.Since(began), Err: err}
	if err == nil {
		call.Status = response.StatusCode
	}
	k.client.observe(call)
	if err != nil {
		return nil, fmt.Errorf("logs of pod %s: %w", name, err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // nobody reads it: kubectl shows the number alone
		return nil, fmt.Errorf("logs of pod %s: Status code: %d", name, response.StatusCode)
	}
	return response.Body, nil
}

// Phases are those that the local cluster showed of a pod, each change once.
func (k *Kubelet) Phases(name string) []corev1.PodPhase {
	var phases []corev1.PodPhase
	for _, change := range k.History(name) {
		phases = append(phases, change.Phase)
	}
	return phases
}

// History is the same with the times.
func (k *Kubelet) History(name string) []Change {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.byName[name]; l != nil {
		return append([]Change(nil), l.history...)
	}
	return nil
}

// Status is what the local cluster shows of a pod, or last showed of one that is
// gone.
func (k *Kubelet) Status(name string) corev1.PodStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.byName[name]; l != nil {
		return *l.shown.DeepCopy()
	}
	return corev1.PodStatus{}
}

// Pod is a pod of the local cluster as its API server has it, gone or not; nil
// if there never was one.
func (k *Kubelet) Pod(name string) *corev1.Pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.byName[name]
	if l == nil {
		return nil
	}
	pod := withJobID(l.admitted, l.jobID())
	pod.Status = *l.shown.DeepCopy()
	return pod
}

// living finds a pod that has not been deleted.
func (k *Kubelet) living(name string) (*local, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.byName[name]
	if l == nil || l.gone {
		return nil, fmt.Errorf("the local cluster has no pod %s", name)
	}
	return l, nil
}
