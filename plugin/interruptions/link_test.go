package interruptions

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A call is one request of a plugin to the API server.
type call struct {
	verb, resource string
	namespace      string
	name           string // empty for a create, a list and a deletecollection
	subresource    string
	body           []byte
	client         context.Context // ends when the plugin does not wait for the answer any more
}

// String returns the verb and the resource, such as "POST pods", "DELETE pods/name" or "GET pods/name/log".
func (c call) String() string {
	text := c.verb + " " + c.resource
	if c.name != "" {
		text += "/name"
	}
	if c.subresource != "" {
		text += "/" + c.subresource
	}
	return text
}

// isFor reports whether the request is for the pod of a create, or for an object of the pod.
func (c call) isFor(r wire.CreateRequest) bool {
	uid := string(r.Pod.UID)
	return strings.Contains(c.name, uid) || bytes.Contains(c.body, []byte(uid))
}

func (c call) writes() bool { return c.verb != http.MethodGet }

// A link carries the requests of one plugin to the API server, and notes them. A test can hold them, let them fail, or
// freeze the link. The list and the watch of the pod cache are not noted, and never fail.
type link struct {
	next      http.RoundTripper
	holdCache <-chan struct{} // holds the requests of the pod cache until it is closed; may be nil

	mu       sync.Mutex
	calls    []call
	rule     func(call) faulty.Fault
	isFrozen bool
}

// on sets a function that each request passes first. The function can wait.
func (l *link) on(rule func(call) faulty.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rule = rule
}

// freeze lets no request and no answer pass any more: the plugin can do nothing until it is killed.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isFrozen = true
}

func (l *link) frozen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isFrozen
}

// forget forgets the requests so far.
func (l *link) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = nil
}

// seen returns the requests since the last forget.
func (l *link) seen() []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// seenFor returns the kinds of requests for a pod since the last forget.
func (l *link) seenFor(r wire.CreateRequest) []string {
	var kinds []string
	for _, c := range l.seen() {
		if c.isFor(r) {
			kinds = append(kinds, c.String())
		}
	}
	return kinds
}

// writes returns the requests since the last forget that change something.
func (l *link) writes() []string {
	var writes []string
	for _, c := range l.seen() {
		if c.writes() && !strings.HasSuffix(c.String(), " leases") && !strings.Contains(c.String(), " leases/") { // the Lease of plugin/orphans is of no pod
			writes = append(writes, c.String())
		}
	}
	return writes
}

func (l *link) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := describe(r)
	if err != nil {
		return nil, err
	}
	ofCache := c.namespace == ""
	l.mu.Lock()
	rule := l.rule
	if !ofCache && !l.isFrozen {
		l.calls = append(l.calls, c)
	}
	l.mu.Unlock()
	var fault faulty.Fault
	switch {
	case ofCache && l.holdCache != nil:
		select {
		case <-l.holdCache:
		case <-r.Context().Done():
		}
	case l.frozen():
		<-r.Context().Done()
	case !ofCache && rule != nil:
		fault = rule(c)
	}
	if err := r.Context().Err(); err != nil { // the plugin has ended while the request was held
		return nil, err
	}
	answer, err := fault.RoundTrip(l.next, r)
	if !ofCache && l.frozen() {
		<-r.Context().Done()
	}
	return answer, err
}

// describe reads a request; it can still be sent afterwards.
func describe(r *http.Request) (call, error) {
	c := call{verb: r.Method, client: r.Context()}
	path := strings.Trim(r.URL.Path, "/") // api/v1/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE
	if _, ofGroup, ok := strings.Cut(path, "apis/"); ok {
		path = ofGroup // GROUP/v1/namespaces/...
	}
	parts := strings.Split(path, "/")
	for i, into := range []*string{nil, nil, nil, &c.namespace, &c.resource, &c.name, &c.subresource} {
		if into != nil && i < len(parts) {
			*into = parts[i]
		}
	}
	if len(parts) == 3 || len(parts) == 4 { // a namespace, or the list of the pod cache
		c.resource = parts[2]
		if c.verb != http.MethodGet {
			c.namespace = "a namespace"
		}
	}
	if r.Body == nil {
		return c, nil
	}
	var err error
	if c.body, err = io.ReadAll(r.Body); err != nil {
		return c, err
	}
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	return c, nil
}
