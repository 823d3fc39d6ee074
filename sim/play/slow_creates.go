package play

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
)

// delayedClient is the client of the remote cluster for a plugin whose first ConfigMaps
// or Secrets are created late.
type delayedClient struct {
	kubernetes.Interface
	creates *slowCreates
}

// IsWatchListSemanticsUnSupported is a question of informers to fake clusters.
func (c delayedClient) IsWatchListSemanticsUnSupported() bool {
	client, isFake := c.Interface.(interface{ IsWatchListSemanticsUnSupported() bool })
	return isFake && client.IsWatchListSemanticsUnSupported()
}

// CoreV1 returns the client of the core group.
func (c delayedClient) CoreV1() typedcore.CoreV1Interface {
	return delayedCore{c.Interface.CoreV1(), c.creates}
}

type delayedCore struct {
	typedcore.CoreV1Interface
	creates *slowCreates
}

// ConfigMaps returns the client of the ConfigMaps of a namespace.
func (c delayedCore) ConfigMaps(namespace string) typedcore.ConfigMapInterface {
	return delayedConfigMaps{c.CoreV1Interface.ConfigMaps(namespace), c.creates}
}

// Secrets returns the client of the Secrets of a namespace.
func (c delayedCore) Secrets(namespace string) typedcore.SecretInterface {
	return delayedSecrets{c.CoreV1Interface.Secrets(namespace), c.creates}
}

type delayedConfigMaps struct {
	typedcore.ConfigMapInterface
	creates *slowCreates
}

// Create waits for the time of ConfigMaps.
func (c delayedConfigMaps) Create(ctx context.Context, o *corev1.ConfigMap, options metav1.CreateOptions) (*corev1.ConfigMap, error) {
	if err := c.creates.wait(ctx, "ConfigMap"); err != nil {
		return nil, err
	}
	return c.ConfigMapInterface.Create(ctx, o, options)
}

type delayedSecrets struct {
	typedcore.SecretInterface
	creates *slowCreates
}

// Create waits for the time of Secrets.
func (c delayedSecrets) Create(ctx context.Context, o *corev1.Secret, options metav1.CreateOptions) (*corev1.Secret, error) {
	if err := c.creates.wait(ctx, "Secret"); err != nil {
		return nil, err
	}
	return c.SecretInterface.Create(ctx, o, options)
}

// slowCreates holds the creates of some kinds until it releases them.
type slowCreates struct {
	released map[string]chan struct{} // by kind; closed when the creates go on

	mu      sync.Mutex
	waiting int
}

func newSlowCreates(kinds map[string]metav1.Duration) *slowCreates {
	s := &slowCreates{released: map[string]chan struct{}{}}
	for kind := range kinds {
		s.released[kind] = make(chan struct{})
	}
	return s
}

func (s *slowCreates) wait(ctx context.Context, kind string) error {
	released := s.released[kind]
	if released == nil {
		return nil
	}
	s.count(1)
	defer s.count(-1)
	select {
	case <-released:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *slowCreates) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += n
}

// hold reports whether as many creates wait as pods are being created.
func (s *slowCreates) hold(pods int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting >= pods
}

// releaseSlowCreates polls the status while the plugin waits for the remote API server,
// and lets the creates of each kind go on at their time. inFlight returns how many
// creates of pods are not answered.
func (p *player) releaseSlowCreates(ctx context.Context, inFlight func() int) error {
	env := p.env
	if env.slowCreates == nil {
		return nil
	}
	for ctx.Err() == nil && !env.slowCreates.hold(inFlight()) {
		time.Sleep(100 * time.Microsecond)
	}
	times := env.file.RemoteSetup.SlowCreates
	kinds := slices.SortedFunc(maps.Keys(times), func(a, b string) int { return int(times[a].Duration - times[b].Duration) })
	p.nextPoll = env.started.Add(pollPause)
	for _, kind := range kinds {
		moment := env.started.Add(times[kind].Duration)
		for p.nextPoll.Before(moment) {
			if err := env.clock.waitUntil(ctx, p.nextPoll); err != nil {
				return err
			}
			p.poll(ctx)
		}
		if err := env.clock.waitUntil(ctx, moment); err != nil {
			return err
		}
		close(env.slowCreates.released[kind])
	}
	return nil
}
