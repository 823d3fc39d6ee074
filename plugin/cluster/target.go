package cluster

import (
	"net/http"
	"slices"
	"strings"
)

// target is what a request to the API server is about, as its URL says
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris).
type target struct {
	// resource is the plural name of a resource; empty for other paths, such as /version.
	resource string
	// name is empty if the request is about a collection.
	name, subresource string
	// list is true for a collection that is read, at once or as a watch.
	list, watch, follow bool
}

func targetOf(request *http.Request) target {
	parts := strings.Split(strings.Trim(request.URL.Path[apiStart(request.URL.Path):], "/"), "/")
	switch { // the group and the version
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return target{}
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	parts = slices.Concat(parts, []string{"", ""})
	query := request.URL.Query()
	isTrue := func(name string) bool { return query.Get(name) == "true" || query.Get(name) == "1" }
	t := target{resource: parts[0], name: parts[1], subresource: parts[2]}
	t.list = request.Method == http.MethodGet && t.name == ""
	t.watch = t.list && isTrue("watch")
	t.follow = t.isLog() && isTrue("follow")
	return t
}

func (t target) isLog() bool { return t.resource == "pods" && t.subresource == "log" }

// apiStart returns where the API server's own paths begin in a path. If the server
// is behind a proxy, another path may come first.
func apiStart(path string) int {
	for _, root := range []string{"/api/", "/apis/"} {
		if at := strings.Index(path, root); at >= 0 {
			return at
		}
	}
	return 0
}
