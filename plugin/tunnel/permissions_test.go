package tunnel_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// permissionOf returns the permission that a request needs, or "" if it needs none.
func permissionOf(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	at := slices.Index(parts, "namespaces")
	if at < 0 {
		return "" // discovery
	}
	group := ""
	if parts[0] == "apis" {
		group = "." + parts[1]
	}
	verb := map[string]string{"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch"}[r.Method]
	if verb == "get" && len(parts) == at+3 {
		verb = "list"
	}
	return verb + " " + parts[at+2] + group
}

// The requests need exactly the permissions that RequiredPermissions lists.
func TestRequiredPermissions(t *testing.T) {
	e := newEnv(t)
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.must(e.Open(t.Context(), release, labels("a"), 8080, target))
	e.must(e.Close(t.Context(), scope.TunnelSelector(uid)))
	requests := e.faults.requests()
	e.faults.set(func(_ int, r *http.Request) fault { // an Open that is rolled back
		if permissionOf(r) == "create deployments.apps" {
			return broken
		}
		return ""
	})
	if err := e.Open(t.Context(), release, labels("a"), 8080, target); err == nil {
		t.Error("an Open that could not create its Deployment returns no error")
	}
	e.checkEmpty()
	used := map[string]bool{}
	for _, r := range append(requests, e.faults.requests()...) {
		if permission := permissionOf(r); permission != "" {
			used[permission] = true
		}
	}
	for _, p := range tunnel.RequiredPermissions() {
		permission := p.Verb + " " + p.Resource
		if p.Group != "" {
			permission += "." + p.Group
		}
		if !used[permission] {
			t.Errorf("%s is listed and not used", permission)
		}
		delete(used, permission)
	}
	for permission := range used {
		t.Errorf("%s is used and not listed", permission)
	}
}
