package faultproxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The verbs of calls that are not HTTP methods: a GET without a name.
const (
	List  = "LIST"
	Watch = "WATCH"
)

// A Call is one request to the API server.
type Call struct {
	// Verb is the HTTP method, or [List] or [Watch] for a GET of several objects.
	Verb string
	// Resource is the resource as in the path, such as "pods". For a path that names no
	// resource, such as /version, it is the path.
	Resource    string
	Subresource string
	// Namespace is empty for a create of a namespace.
	Namespace string
	// Name is empty for a create.
	Name string
	// Fault is the name of the fault that the call met, if any.
	Fault string

	body []byte
}

// String returns the verb, the resource and its subresource, such as "POST pods" or
// "GET pods/log".
func (c Call) String() string {
	text := c.Verb + " " + c.Resource
	if c.Subresource != "" {
		text += "/" + c.Subresource
	}
	return text
}

// IsIn reports whether the call is for a namespace, or for an object in it.
func (c Call) IsIn(namespace string) bool {
	return c.Namespace == namespace || c.Resource == "namespaces" && c.Name == "" && contains(c.body, namespace) // a create
}

// contains reports whether an object, as JSON or protobuf, contains a name as a whole. In
// protobuf, its length comes before it.
func contains(body []byte, name string) bool {
	partOfName := func(b byte) bool { return b == '-' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' }
	for rest := body; name != ""; {
		i := bytes.Index(rest, []byte(name))
		if i < 0 {
			return false
		}
		end := i + len(name)
		begins := i == 0 || !partOfName(rest[i-1]) || int(rest[i-1]) == len(name)
		if begins && (end == len(rest) || !partOfName(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
	return false
}

// describe reads a request. It can still be sent afterwards.
func describe(r *http.Request) (Call, error) {
	c := Call{Verb: r.Method}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2: // api/v1/...
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3: // apis/GROUP/VERSION/...
		parts = parts[3:]
	default:
		c.Resource = r.URL.Path
		return c, nil
	}
	if parts[0] == "namespaces" && len(parts) > 1 {
		c.Namespace = parts[1]
		if len(parts) > 2 { // an object in a namespace
			parts = parts[2:]
		}
	}
	for i, into := range []*string{&c.Resource, &c.Name, &c.Subresource} {
		if i < len(parts) {
			*into = parts[i]
		}
	}
	if c.Verb == http.MethodGet && c.Name == "" {
		c.Verb = List
		if r.URL.Query().Get("watch") == "true" || r.URL.Query().Get("watch") == "1" {
			c.Verb = Watch
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return c, fmt.Errorf("read the request: %w", err)
	}
	c.body = body
	r.Body = io.NopCloser(bytes.NewReader(body))
	return c, nil
}
