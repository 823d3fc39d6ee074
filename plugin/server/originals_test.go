package server

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// fakeOriginals records the pods that are handed over.
type fakeOriginals struct {
	needed types.UID
	got    []*corev1.Pod
}

func (f *fakeOriginals) NeedsOriginal(uid types.UID) bool { return uid == f.needed }
func (f *fakeOriginals) HandOver(pod *corev1.Pod)         { f.got = append(f.got, pod) }

// A create that waits gets the whole pod of a status request; without such a create, only the
// part that the status is reported from is decoded.
func TestStatusHandsOverOriginals(t *testing.T) {
	const env = `"env":[{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}]`
	body := strings.Replace(goodStatus, `"name":"main"`, `"name":"main",`+env, 1)
	broken := strings.Replace(goodStatus, `"name":"main"`, `"name":"main","env":7`, 1)
	for _, test := range []struct {
		name, body string
		needed     types.UID
		want       int
	}{
		{"the pod is needed", body, uid, 1},
		{"another pod is needed", body, "other", 0},
		{"a field that the status is not reported from is not valid", broken, uid, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			originals := &fakeOriginals{needed: test.needed}
			run := start(t, Options{Lifecycle: new(fake), Originals: originals})
			if r := run.send(t, http.MethodGet, "/status", test.body); r.status != http.StatusOK {
				t.Errorf("status %d %s", r.status, r.body)
			}
			if len(originals.got) != test.want {
				t.Fatalf("%d pods are handed over, want %d", len(originals.got), test.want)
			}
			if test.want > 0 {
				if env := originals.got[0].Spec.Containers[0].Env; len(env) != 1 || env[0].ValueFrom.FieldRef.FieldPath != "status.podIP" {
					t.Errorf("the pod has the variables %+v", env)
				}
			}
		})
	}
}
