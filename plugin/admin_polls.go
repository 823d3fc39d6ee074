package plugin

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
)

// maxPolls limits the pods that are remembered. InterLink asks for each pod every few seconds; so a memory that is full is emptied,
// and filled again at once.
const maxPolls = 50_000

// polls remembers when InterLink last asked for the status of each local pod, for the page. It passes everything on to
// the next observer.
type polls struct {
	next lifecycle.Observer // may be nil

	mu sync.Mutex
	at map[string]time.Time // by the UID of the local pod
}

// Asked implements [lifecycle.Observer].
func (p *polls) Asked(pods []corev1.Pod) {
	now := time.Now()
	p.mu.Lock()
	if p.at == nil || len(p.at)+len(pods) > maxPolls {
		p.at = map[string]time.Time{}
	}
	for i := range pods {
		p.at[string(pods[i].UID)] = now
	}
	p.mu.Unlock()
	if p.next != nil {
		p.next.Asked(pods)
	}
}

// Mentioned implements [lifecycle.Observer].
func (p *polls) Mentioned(uid string) {
	if p.next != nil {
		p.next.Mentioned(uid)
	}
}

// last returns when InterLink last asked for a local pod; zero if it has not.
func (p *polls) last(uid string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[uid]
}

// forget forgets a local pod whose remote pod is gone.
func (p *polls) forget(uid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, uid)
}
