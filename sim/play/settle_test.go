package play

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A plugin that knows no container right after the create, and says so with an empty list, ends the
// pod in status-at-once, always.
func TestStatusRightAfterTheCreate(t *testing.T) {
	created := map[types.UID]bool{}
	plugin := &liar{before: func(w http.ResponseWriter, path string, pods []corev1.Pod) bool {
		switch {
		case path == "/create":
			created[pods[0].UID] = true
		case path == "/status" && len(pods) > 0 && created[pods[0].UID]:
			delete(created, pods[0].UID)
			_, _ = fmt.Fprintf(w, `[{"name":%q,"namespace":%q,"UID":%q,"containers":[]}]`, pods[0].Name, pods[0].Namespace, pods[0].UID)
			return true
		}
		return false
	}}
	result, err := Run(t.Context(), scenarios(t, "status-at-once"), Options{Plugin: serveOutside(t, plugin), virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	if s := result.Scenarios[0]; !strings.Contains(strings.Join(s.Texts(), "\n"), "STATUS-12") {
		t.Errorf("%s %q", s.Verdict, s.Texts())
	}
}
