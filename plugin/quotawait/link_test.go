package quotawait_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
)

// link is the connection of a replica to the API server.
type link struct {
	next http.RoundTripper

	mu     sync.Mutex
	calls  []string
	choose func(n int, call string) faulty.Fault
	dead   bool
	die    func()
}

// kill is a fault: the process is killed before the request is sent, and killAfter, after
// the API server has carried it out.
const (
	kill      faulty.Fault = "kill"
	killAfter faulty.Fault = "kill after"
)

// onDeath sets what is called when the process is killed, also if it is dead already.
func (l *link) onDeath(die func()) {
	l.mu.Lock()
	l.die = die
	dead := l.dead
	l.mu.Unlock()
	if dead {
		die()
	}
}

// set lets requests fail, and forgets the requests so far.
func (l *link) set(choose func(n int, call string) faulty.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.choose = nil, choose
}

func (l *link) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.calls...)
}

func (l *link) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *link) kill() {
	l.mu.Lock()
	l.dead = true
	die := l.die
	l.mu.Unlock()
	if die != nil {
		die()
	}
}

var errDead = fmt.Errorf("the process was killed: %w", syscall.ECONNREFUSED)

func (l *link) RoundTrip(r *http.Request) (*http.Response, error) {
	isWatch := r.URL.Query().Get("watch") != "" || r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/pods")
	call := r.Method + " " + resourceOf(r.URL.Path)
	l.mu.Lock()
	var chosen faulty.Fault
	dead := l.dead
	if !dead && !isWatch {
		l.calls = append(l.calls, call)
		if l.choose != nil {
			chosen = l.choose(len(l.calls)-1, call)
		}
	}
	l.mu.Unlock()
	switch {
	case dead && !isWatch:
		return nil, errDead
	case chosen == kill:
		l.kill()
		return nil, errDead
	case chosen == killAfter:
		_, _ = faulty.Lost.RoundTrip(l.next, r)
		l.kill()
		return nil, errDead
	}
	return chosen.RoundTrip(l.next, r)
}

// resourceOf returns "pods" for a collection and "pods/name" for an object.
func resourceOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/") // api v1 namespaces NS RESOURCE NAME
	switch {
	case len(parts) > 5:
		return parts[4] + "/name"
	case len(parts) == 5:
		return parts[4]
	}
	return parts[len(parts)-1]
}
