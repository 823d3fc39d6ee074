package fakehelm_test

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
)

var _ lifecycle.Tunnels = &fakehelm.Tunnels{}

// Open creates the record that Helm stores for a release, and Close deletes it.
func TestOpenAndClose(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	helm := fakehelm.New(client, "default")
	if got := helm.Namespace(); got != "default" {
		t.Errorf("Namespace returns %q, want default", got)
	}
	for range 2 { // a second Open of the same release is no error
		for release, labels := range map[string]map[string]string{"a": {"pod": "a"}, "b": {"pod": "b"}, "unlabeled": nil} {
			if err := helm.Open(t.Context(), release, labels, 80, "target"); err != nil {
				t.Fatal(err)
			}
		}
	}
	secrets := client.CoreV1().Secrets("default")
	other := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"pod": "a"}}}
	if _, err := secrets.Create(t.Context(), other, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	record, err := secrets.Get(t.Context(), "sh.helm.release.v1.a.v1", metav1.GetOptions{})
	want := map[string]string{"pod": "a", "owner": "helm", "name": "a", "status": "deployed", "version": "1"}
	if err != nil || record.Type != "helm.sh/release.v1" || !maps.Equal(record.Labels, want) {
		t.Errorf("the record has type %s and labels %v, error %v; want labels %v", record.Type, record.Labels, err, want)
	}
	for range 2 { // a second Close is no error
		if err := helm.Close(t.Context(), "pod=a"); err != nil {
			t.Fatal(err)
		}
	}
	remaining, err := secrets.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(remaining.Items) != 3 {
		t.Errorf("%d Secrets remain, error %v; want the two other releases and the Secret that is no release", len(remaining.Items), err)
	}
}

// The kind of an error tells the plugin whether to retry.
func TestKindsOfErrors(t *testing.T) {
	resource := corev1.Resource("secrets")
	for kind, err := range map[errdefs.Kind]error{
		errdefs.Unavailable: apierrors.NewTooManyRequests("later", 1),
		errdefs.Refused:     apierrors.NewForbidden(resource, "a", nil),
		errdefs.Invalid:     apierrors.NewBadRequest("no"),
		errdefs.NotFound:    apierrors.NewNotFound(corev1.Resource("namespaces"), "absent"),
	} {
		client := fake.NewClientset()
		client.PrependReactor("*", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
		helm := fakehelm.New(client, "absent")
		if got := helm.Open(t.Context(), "a", nil, 80, "target"); !errdefs.Is(got, kind) {
			t.Errorf("Open: error %v has kind %s, want %s", got, errdefs.KindOf(got), kind)
		}
		if got := helm.Close(t.Context(), "pod=a"); !errdefs.Is(got, kind) {
			t.Errorf("Close: error %v has kind %s, want %s", got, errdefs.KindOf(got), kind)
		}
	}
}
