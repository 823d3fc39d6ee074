package cluster

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// An API server that has just started refuses everybody, and so does one where a
// right is missing. Only the second is final.
func TestRefusalsBeforeRolesAreKnown(t *testing.T) {
	const (
		denied = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"secrets is forbidden: User \"u\" cannot create resource \"secrets\" in API group \"\""}`
		quota  = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"secrets \"s\" is forbidden: exceeded quota"}`
		made   = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","uid":"1"}}`
	)
	for _, test := range []struct {
		name    string
		answers []string // to creates, in order; the last one repeats
		review  int      // status of the answer to a question for rights
		want    errdefs.Kind
		calls   []string
	}{
		{"permitted", []string{made}, 0, "", []string{"create"}},
		{"roles not known", []string{denied}, http.StatusForbidden, errdefs.Unavailable, []string{"create", "ask"}},
		{"roles known meanwhile", []string{denied, made}, http.StatusCreated, "", []string{"create", "ask", "create"}},
		{"right missing", []string{denied}, http.StatusCreated, errdefs.Refused, []string{"create", "ask", "create"}},
		{"nobody answers for rights", []string{denied}, http.StatusNotFound, errdefs.Refused, []string{"create", "ask"}},
		{"quota", []string{quota}, http.StatusCreated, errdefs.Refused, []string{"create"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var calls, bodies []string
			answers := test.answers
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Content-Type", "application/json")
				if r.Header.Get("Authorization") != "Bearer token" {
					t.Errorf("%s without credentials", r.URL)
				}
				if r.URL.Path == "/behind"+reviewPath {
					calls = append(calls, "ask")
					w.WriteHeader(test.review)
					return
				}
				calls, bodies = append(calls, "create"), append(bodies, string(body))
				answer := answers[0]
				answers = answers[min(1, len(answers)-1):]
				if answer != made {
					w.WriteHeader(http.StatusForbidden)
				}
				_, _ = io.WriteString(w, answer)
			}))
			defer server.Close()
			config := &rest.Config{Host: server.URL + "/behind", BearerToken: "token"}
			knowRoles(config)
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			c := &Cluster{client: client}
			_, err = c.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "n"}})
			if got := errdefs.KindOf(err); got != test.want {
				t.Errorf("%q: %v", got, err)
			}
			if !slices.Equal(calls, test.calls) {
				t.Errorf("calls %v, not %v", calls, test.calls)
			}
			if len(slices.Compact(bodies)) != 1 {
				t.Errorf("the second create is another: %q", bodies)
			}
		})
	}
}
