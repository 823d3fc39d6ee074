package plugin

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const tunnelUID = "92030190-ca03-4864-a97c-dabccaa67f8e"

var meshFiles = scope.Scope{}.MeshSecretName(tunnelUID)

// podWithNetworks adds a mesh, and a Service for the TCP ports of its containers, to a pod as the cache has it.
func podWithNetworks(p *corev1.Pod) {
	p.Labels[wire.LabelPodUID] = tunnelUID
	p.Annotations[wire.AnnotationOwned] = "configmaps/settings,secrets/password,secrets/" + meshFiles + ",services/bastion-" + tunnelUID
	p.Annotations[wire.AnnotationClaims] = "data"
}

// The page says which of a pod's objects are for its networks.
func TestObjectsOfAPodWithNetworks(t *testing.T) {
	got := pageDetails(pagePod(podWithNetworks), nil, pageNow).Objects
	want := []admin.Object{
		{Resource: "configmaps", Name: "settings"}, {Resource: "secrets", Name: "password"},
		{Resource: "secrets", Name: meshFiles, Note: "files of the mesh or tunnel"},
		{Resource: "services", Name: "bastion-" + tunnelUID, Note: "target of the TCP tunnels"},
		{Resource: "persistentvolumeclaims", Name: "data", Note: "outlives the pod"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each release has the state that Helm's record has. A list that fails is not repeated at once.
func TestReleasesOfAPod(t *testing.T) {
	bastion8080, bastion9090 := scope.Scope{}.ReleaseName(8080, tunnelUID), scope.Scope{}.ReleaseName(9090, tunnelUID)
	for name, test := range map[string]struct {
		records map[string]string
		err     error
		want    []admin.Object
	}{
		"installed": {records: map[string]string{bastion8080: "deployed", bastion9090: "pending-install"}, want: []admin.Object{
			{Resource: "Helm release", Name: bastion8080, Note: "exposes TCP port 8080, deployed in namespace bastions"},
			{Resource: "Helm release", Name: bastion9090, Note: "exposes TCP port 9090, pending-install in namespace bastions"}}},
		"another name": {records: map[string]string{"other": "uninstalling"}, want: []admin.Object{
			{Resource: "Helm release", Name: "other", Note: "uninstalling in namespace bastions"}}},
		"none": {want: []admin.Object{
			{Resource: "Helm release", Name: "none", Note: "no release is installed in namespace bastions"}}},
		"the list is refused": {err: errdefs.New(errdefs.Refused, "no"), want: []admin.Object{
			{Resource: "Helm release", Name: "unknown", Note: "the releases in namespace bastions cannot be read: the remote cluster does not permit the plugin to list Secrets there"}}},
	} {
		t.Run(name, func(t *testing.T) {
			lists := 0
			r := &podReleases{namespace: "bastions", log: testkit.NewLog(t).Logger(), each: func(_ context.Context, resource, namespace, selector string, each func(*metav1.ObjectMeta) error) error {
				lists++
				if resource != "secrets" || namespace != "bastions" || selector != "owner=helm,"+scope.TunnelSelector(tunnelUID) {
					t.Errorf("listed %s of %s with %s", resource, namespace, selector)
				}
				for name, status := range test.records {
					if err := each(&metav1.ObjectMeta{Labels: map[string]string{"name": name, "status": status}}); err != nil {
						return err
					}
				}
				return test.err
			}}
			for range 2 {
				if diff := cmp.Diff(test.want, r.of(t.Context(), pagePod(podWithNetworks), pageNow)); diff != "" {
					t.Error(diff)
				}
			}
			if lists != 1 {
				t.Errorf("the records were listed %d times at once", lists)
			}
			if r.of(t.Context(), pagePod(podWithNetworks), pageNow.Add(time.Minute)); lists != 2 {
				t.Errorf("the records were listed %d times within a minute", lists)
			}
			withoutTunnels := pagePod(func(p *corev1.Pod) {
				podWithNetworks(p)
				p.Annotations[wire.AnnotationOwned] = "secrets/password"
			})
			if got := r.of(t.Context(), withoutTunnels, pageNow); got != nil || lists != 2 {
				t.Errorf("a pod without tunnels has %v, after %d lists", got, lists)
			}
		})
	}
}
