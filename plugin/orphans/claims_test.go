package orphans_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// After a look has found claims that no pod uses, a pod begins to wait that will use one, or a pod of another
// user begins to use one. These claims stay, although they have not changed.
func TestClaimIsUsedAfterTheLook(t *testing.T) {
	s := newSite(t, func(_ *site, o *orphans.Options) { o.Now = func() time.Time { return time.Now().Add(2 * grace) } })
	for _, name := range []string{"awaited", "mounted", "unused", "no-more"} {
		s.claim(name, "delete")
	}
	findings := s.list()
	marker := func(name, claim string) metav1.ObjectMeta {
		meta := s.meta(name, map[string]string{wire.LabelStoredRequest: name})
		meta.Annotations[wire.AnnotationWaitingClaims] = claim
		return meta
	}
	s.configMap(marker("waits", "other,awaited"))
	ended := marker("deleted", "no-more")
	ended.Annotations[wire.AnnotationWaitEnded] = wire.WaitEndedByDelete
	s.configMap(ended)
	s.pod("pod", func(pod *corev1.Pod) {
		pod.Labels, pod.Annotations = nil, nil
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "mounted"}}}}
	})
	if deleted, err := s.Delete(t.Context(), findings); err != nil || deleted != 2 {
		t.Errorf("Delete: %d, %v", deleted, err)
	}
	for name, stays := range map[string]bool{"awaited": true, "mounted": true, "unused": false, "no-more": false} {
		if s.hasClaim(name) != stays {
			t.Errorf("claim %s stays: %v", name, !stays)
		}
	}
}

// The look just before the delete of a claim fails: the claim stays. An account that may not list markers has no pod
// that waits.
func TestUsersOfAClaimCannotBeListed(t *testing.T) {
	for _, test := range []struct {
		name, path string
		fault      faulty.Fault
		deletes    bool
	}{
		{"markers", "/configmaps", faulty.Broken, false},
		{"markers are refused", "/configmaps", faulty.Forbidden, true},
		{"pods", "/pods", faulty.Broken, false},
		{"pods are refused", "/pods", faulty.Forbidden, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, failing := apiserver.ForTest(t), ""
			config := rest.CopyConfig(server.Config)
			config.Wrap(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if failing != "" && strings.HasSuffix(r.URL.Path, failing) {
						return test.fault.RoundTrip(next, r)
					}
					return next.RoundTrip(r)
				})
			})
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, func(s *site, o *orphans.Options) {
				o.Now = func() time.Time { return time.Now().Add(2 * grace) }
				s.cluster, err = cluster.New(client, "", func(pod *corev1.Pod) *corev1.Pod { return pod }, s.log.Logger())
				s.must(err)
			})
			s.claim("unused", "delete")
			findings := s.list()
			failing = test.path
			deleted, err := s.Delete(t.Context(), findings)
			if (deleted == 1) != test.deletes || (err == nil) != test.deletes || s.hasClaim("unused") == test.deletes {
				t.Errorf("Delete: %d, %v", deleted, err)
			}
			if err != nil && !strings.Contains(err.Error(), "check that no pod uses persistentvolumeclaims "+s.namespace+"/unused") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// roundTripper is a connection to the API server.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// list returns what no request will delete.
func (s *site) list() []orphans.Finding {
	s.t.Helper()
	findings, skipped, err := s.List(s.t.Context())
	if err != nil || len(skipped) > 0 {
		s.t.Fatalf("List: %v, %v", skipped, err)
	}
	return findings
}

// hasClaim reports whether a claim exists and is not being deleted.
func (s *site) hasClaim(name string) bool {
	s.t.Helper()
	claims, err := s.client.CoreV1().PersistentVolumeClaims(s.namespace).List(s.t.Context(), metav1.ListOptions{})
	s.must(err)
	for i := range claims.Items {
		if claims.Items[i].Name == name {
			return claims.Items[i].DeletionTimestamp == nil
		}
	}
	return false
}
