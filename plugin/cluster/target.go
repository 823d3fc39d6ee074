package cluster

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// target is what a request to the API server is about, as its URL says
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris).
type target struct {
	// base is the path below which the API server's own paths are; mostly empty.
	base string
	// resource is the plural name of a resource; empty for other paths, such as /version.
	resource string
	// namespace is empty for what belongs to none, and for all.
	namespace string
	// name is empty if the request is about a collection.
	name, subresource string
	// list is true for a collection that is read, at once or as a watch.
	list, watch, follow bool
	// besides is true for what the plugin can do without: a refusal says nothing about its account.
	besides bool
}

// besidesKey is the key, in the context of a request, of target.besides.
type besidesKey struct{}

// besides returns a context for requests that the plugin can do without.
func besides(ctx context.Context) context.Context { return context.WithValue(ctx, besidesKey{}, true) }

// targetTransport finds out what each request is about, for the layers below it. base is the
// path of the API server's address, without a slash at its end: if the server is behind a
// proxy, its own paths begin there. They cannot be told by their words, since a proxy's path
// or a namespace can have the word "api", too.
type targetTransport struct {
	next http.RoundTripper
	base string
}

// targetKey is the key of the target in the context of a request.
type targetKey struct{}

// RoundTrip sends a request.
func (t targetTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	about := parseTarget(request, t.base)
	about.besides = request.Context().Value(besidesKey{}) != nil
	return t.next.RoundTrip(request.WithContext(context.WithValue(request.Context(), targetKey{}, about)))
}

// targetOf returns what a request is about.
func targetOf(request *http.Request) target {
	if about, ok := request.Context().Value(targetKey{}).(target); ok {
		return about
	}
	return parseTarget(request, "")
}

func parseTarget(request *http.Request, base string) target {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(request.URL.Path, base), "/"), "/")
	namespace := ""
	switch { // the group and the version
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return target{base: base}
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	parts = slices.Concat(parts, []string{"", ""})
	query := request.URL.Query()
	isTrue := func(name string) bool { return query.Get(name) == "true" || query.Get(name) == "1" }
	t := target{base: base, namespace: namespace, resource: parts[0], name: parts[1], subresource: parts[2]}
	t.list = request.Method == http.MethodGet && t.name == ""
	t.watch = t.list && isTrue("watch")
	t.follow = t.isLog() && isTrue("follow")
	return t
}

func (t target) isLog() bool { return t.resource == "pods" && t.subresource == "log" }
