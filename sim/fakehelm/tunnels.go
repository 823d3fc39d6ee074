// Package tunnels stands in for Helm where the remote cluster is simulated: a
// release is its record and no more, since nobody runs what it would install.
//
// It knows how Helm names and labels its records, which is how they are counted. It
// must not know pods.
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

// Tunnels of one cluster.
type Tunnels struct {
	client    kubernetes.Interface
	namespace string
}

// New returns those in a namespace.
func New(client kubernetes.Interface, namespace string) *Tunnels {
	return &Tunnels{client, namespace}
}

// Namespace is where the records are.
func (t *Tunnels) Namespace() string { return t.namespace }

// Open makes a release's record; one that is there is left.
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
	return failure("install "+release, err)
}

// Close takes the records away that a selector selects.
func (t *Tunnels) Close(ctx context.Context, selector string) error {
	err := t.client.CoreV1().Secrets(t.namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "owner=helm," + selector})
	return failure("uninstall the releases of "+selector, err)
}

// failure says of an error whether it may pass.
func failure(what string, err error) error {
	kind := errdefs.Unavailable
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err):
		kind = errdefs.NotFound // the namespace
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		kind = errdefs.Refused
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		kind = errdefs.Invalid
	}
	return errdefs.New(kind, "%s: %w", what, err)
}
