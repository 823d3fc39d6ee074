package lifecycle

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// applyTemplate creates the objects of the namespace template in a remote namespace that the
// plugin created, unless they are there already. local is the local namespace.
//
// The namespace has the hash of the template only while it has all objects of the template:
// another hash is removed before the first object is changed, and the hash is written last.
// So after a crash in between, the next create starts again, and there is no pod before.
// Each write of the hash fails with an error of kind Conflict if the namespace has changed
// since it was read: a replica with another template is at work, and all must be done again.
func (l *Lifecycle) applyTemplate(ctx context.Context, namespace *corev1.Namespace, local string) error {
	template := l.options.NamespaceTemplate
	applied := namespace.Annotations[wire.AnnotationNamespaceTemplate]
	if template == nil || applied == template.Hash() {
		return nil
	}
	objects, err := template.Objects(local, namespace.Name)
	if err != nil {
		return errdefs.Wrap(errdefs.Internal, err)
	}
	if applied != "" {
		if namespace, err = l.cluster.AnnotateNamespace(ctx, namespace, wire.AnnotationNamespaceTemplate, ""); err != nil {
			return err
		}
	}
	for _, object := range objects {
		err := retry(ctx, func(ctx context.Context) error { return l.cluster.Apply(ctx, namespace.Name, object) })
		if errdefs.Is(err, errdefs.OverQuota) { // of the template itself; the pod cannot wait for it
			return errdefs.Wrap(errdefs.Refused, err)
		}
		if err != nil {
			return err
		}
	}
	if _, err = l.cluster.AnnotateNamespace(ctx, namespace, wire.AnnotationNamespaceTemplate, template.Hash()); err != nil {
		return err
	}
	tracing.Logger(ctx, l.log).Info("the namespace template is applied", "namespace", namespace.Name, "hash", template.Hash(), "before", applied)
	return nil
}
