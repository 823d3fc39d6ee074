package fakehelm

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Tunnels implements the plugin's interface for the tunnels of one cluster.
type Tunnels struct {
	client    kubernetes.Interface
	namespace string
}

// New returns the tunnels whose releases are in a namespace.
func New(client kubernetes.Interface, namespace string) *Tunnels {
	return &Tunnels{client, namespace}
}

// Namespace returns the namespace of the releases.
func (t *Tunnels) Namespace() string { return t.namespace }

// Open creates the record of a release. It does not change an existing one.
func (t *Tunnels) Open(ctx context.Context, release string, labels map[string]string, _ int32, _ string) error {
	record := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:   "sh.helm.release.v1." + release + ".v1",
			Labels: map[string]string{"owner": "helm", "name": release, "status": "deployed", "version": "1"},
		},
		Type: "helm.sh/release.v1",
	}
	maps.Copy(record.Labels, labels)
	_, err := t.client.CoreV1().Secrets(t.namespace).Create(ctx, record, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return classify("install release "+release, err)
}

// Close deletes the records that match a label selector. It is no error if there are none.
func (t *Tunnels) Close(ctx context.Context, selector string) error {
	err := t.client.CoreV1().Secrets(t.namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "owner=helm," + selector})
	return classify("uninstall releases with "+selector, err)
}

// classify adds the kind that tells the plugin whether it should retry. It does not
// use the plugin's own classification: a fault there must show in the simulator.
func classify(operation string, err error) error {
	kind := errdefs.Unavailable
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err): // the namespace does not exist
		kind = errdefs.NotFound
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		kind = errdefs.Refused
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		kind = errdefs.Invalid
	}
	return errdefs.New(kind, "%s: %w", operation, err)
}
