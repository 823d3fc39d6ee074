package cluster

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// An API server that has not loaded its roles yet answers 403, as it does for a
// missing permission. Only the second answer is final.
func TestForbiddenDuringStartupIsRetried(t *testing.T) {
	const (
		denied  = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"secrets is forbidden: User \"u\" cannot create resource \"secrets\" in API group \"\""}`
		quota   = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"secrets \"s\" is forbidden: exceeded quota"}`
		created = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","uid":"1"}}`
	)
	for _, test := range []struct {
		name    string
		answers []string // to the creates, in order; the last one is repeated
		review  int      // HTTP status of the answer to the access review
		want    errdefs.Kind
		calls   []string
	}{
		{"permitted", []string{created}, 0, "", []string{"create"}},
		{"roles not loaded", []string{denied}, http.StatusForbidden, errdefs.NotYet, []string{"create", "review"}},
		{"roles loaded meanwhile", []string{denied, created}, http.StatusCreated, "", []string{"create", "review", "create"}},
		{"permission missing", []string{denied}, http.StatusCreated, errdefs.Refused, []string{"create", "review", "create"}},
		{"credentials expire meanwhile", []string{denied}, http.StatusUnauthorized, errdefs.Unavailable, []string{"create", "review"}},
		{"overloaded meanwhile", []string{denied}, http.StatusServiceUnavailable, errdefs.Unavailable, []string{"create", "review"}},
		{"unknown user", []string{strings.ReplaceAll(denied, `\"u\"`, `\"system:anonymous\"`)}, http.StatusForbidden, errdefs.Unavailable, []string{"create"}},
		{"a proxy forbids it", []string{"<html>you cannot do this</html>"}, http.StatusForbidden, errdefs.Unavailable, []string{"create"}},
		{"no access reviews", []string{denied}, http.StatusNotFound, errdefs.Refused, []string{"create", "review"}},
		{"quota", []string{quota}, http.StatusCreated, errdefs.Refused, []string{"create"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var calls, bodies []string
			answers := test.answers
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Content-Type", "application/json")
				if r.Header.Get("Authorization") != "Bearer token" {
					t.Errorf("request %s has no credentials", r.URL)
				}
				if r.URL.Path == "/behind"+reviewPath {
					calls = append(calls, "review")
					w.WriteHeader(test.review)
					_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure"}`)
					return
				}
				calls, bodies = append(calls, "create"), append(bodies, string(body))
				answer := answers[0]
				answers = answers[min(1, len(answers)-1):]
				if answer != created {
					w.WriteHeader(http.StatusForbidden)
				}
				_, _ = io.WriteString(w, answer)
			}))
			defer server.Close()
			client := connectTo(t, server, "/behind")
			c := &Cluster{client: client}
			_, err := c.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "n"}})
			if got := errdefs.KindOf(err); got != test.want {
				t.Errorf("create fails with %v of kind %q, want kind %q", err, got, test.want)
			}
			if !slices.Equal(calls, test.calls) {
				t.Errorf("the transport sends %v, want %v", calls, test.calls)
			}
			if refused := !client.Connection.health.refused().Since.IsZero(); refused != (test.review == http.StatusUnauthorized || test.name == "unknown user") {
				t.Errorf("the API server is said to refuse the plugin: %v", refused)
			}
			if len(slices.Compact(bodies)) != 1 {
				t.Errorf("the second create has another body: %q", bodies)
			}
		})
	}
}
