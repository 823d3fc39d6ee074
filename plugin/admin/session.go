package admin

import (
	"crypto/rand"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// sessionTime is how long a reader stays signed in.
	sessionTime = 12 * time.Hour
	// maxSessions is how many readers can be signed in. One more ends the oldest session.
	maxSessions = 100
	// maxFailures is how many wrong tokens an address may send in failureTime before it must wait.
	maxFailures = 10
	failureTime = time.Minute
	// maxAddresses is how many addresses are counted by themselves; the others are counted together.
	maxAddresses = 1000
)

// session is a reader who has signed in. It ends when the token changes.
type session struct {
	began time.Time
	token digest
}

// sessions are in memory only: a restart of the plugin ends them. The zero value is ready for use.
type sessions struct {
	mu sync.Mutex
	// open has the sessions by the digest of what their cookies hold.
	open map[digest]session
	// failures has the recent wrong tokens by address.
	failures map[string]failures
}

type failures struct {
	count int
	since time.Time
}

// begin begins a session and returns the value of its cookie.
func (s *sessions) begin(token digest, now time.Time) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[digest]session{}
	}
	if len(s.open) >= maxSessions {
		var oldest digest
		var began time.Time
		for key, one := range s.open {
			if began.IsZero() || one.began.Before(began) {
				oldest, began = key, one.began
			}
		}
		delete(s.open, oldest)
	}
	s.open[digestOf(id)] = session{began: now, token: token}
	return id
}

// valid reports whether a cookie belongs to a session that was begun with this token.
func (s *sessions) valid(id string, token digest, now time.Time) bool {
	key := digestOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[key]
	if ok && (now.Sub(found.began) > sessionTime || !found.token.equal(token)) {
		delete(s.open, key)
		return false
	}
	return ok
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, digestOf(id))
}

// mayTry reports whether an address may send a token now.
func (s *sessions) mayTry(address string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failures[s.counted(address, now)]
	return f.count < maxFailures || now.Sub(f.since) >= failureTime
}

// failed records that an address has sent a wrong token.
func (s *sessions) failed(address string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == nil {
		s.failures = map[string]failures{}
	}
	key := s.counted(address, now)
	f := s.failures[key]
	if now.Sub(f.since) >= failureTime {
		f = failures{since: now}
	}
	f.count++
	s.failures[key] = f
}

// counted returns the key under which an address is counted. The caller holds mu.
func (s *sessions) counted(address string, now time.Time) string {
	if _, known := s.failures[address]; known || len(s.failures) < maxAddresses {
		return address
	}
	for key, f := range s.failures {
		if now.Sub(f.since) >= failureTime {
			delete(s.failures, key)
		}
	}
	if len(s.failures) < maxAddresses {
		return address
	}
	return "" // no address is empty
}

// clientOf returns the address of the client, without its port.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	return host
}

// bearer returns the token of the header Authorization.
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}
