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

// A release is the record that Helm would keep of it.
func TestRecords(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	made := fakehelm.New(client, "default")
	if got := made.Namespace(); got != "default" {
		t.Errorf("they are in %s", got)
	}
	for range 2 {
		for release, labels := range map[string]map[string]string{"a": {"of": "a"}, "b": {"of": "b"}, "bare": nil} {
			if err := made.Open(t.Context(), release, labels, 80, "target"); err != nil {
				t.Fatal(err)
			}
		}
	}
	secrets := client.CoreV1().Secrets("default")
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "foreign", Labels: map[string]string{"of": "a"}}}
	if _, err := secrets.Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	record, err := secrets.Get(t.Context(), "sh.helm.release.v1.a.v1", metav1.GetOptions{})
	want := map[string]string{"of": "a", "owner": "helm", "name": "a", "status": "deployed", "version": "1"}
	if err != nil || record.Type != "helm.sh/release.v1" || !maps.Equal(record.Labels, want) {
		t.Errorf("%v %s %v", err, record.Type, record.Labels)
	}
	for range 2 { // none is no error
		if err := made.Close(t.Context(), "of=a"); err != nil {
			t.Fatal(err)
		}
	}
	left, err := secrets.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) != 3 {
		t.Errorf("%v, left are %d", err, len(left.Items))
	}
}

// What may pass is tried again, and nothing else.
func TestKinds(t *testing.T) {
	resource := corev1.Resource("secrets")
	for kind, err := range map[errdefs.Kind]error{
		errdefs.Unavailable: apierrors.NewTooManyRequests("later", 1),
		errdefs.Refused:     apierrors.NewForbidden(resource, "a", nil),
		errdefs.Invalid:     apierrors.NewBadRequest("no"),
		errdefs.NotFound:    apierrors.NewNotFound(corev1.Resource("namespaces"), "gone"),
	} {
		client := fake.NewClientset()
		client.PrependReactor("*", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
		made := fakehelm.New(client, "gone")
		if got := made.Open(t.Context(), "a", nil, 80, "target"); !errdefs.Is(got, kind) {
			t.Errorf("%v is %s, not %s", got, errdefs.KindOf(got), kind)
		}
		if got := made.Close(t.Context(), "of=a"); !errdefs.Is(got, kind) {
			t.Errorf("%v is %s, not %s", got, errdefs.KindOf(got), kind)
		}
	}
}
