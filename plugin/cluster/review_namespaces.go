package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EachNamespace calls each for every namespace, page by page.
func (r Reviewer) EachNamespace(ctx context.Context, each func(*corev1.Namespace)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		list, err := r.client.CoreV1().Namespaces().List(ctx, options)
		if err := checkList(err, list); err != nil {
			return wrap(err, "list", "namespaces")
		}
		for i := range list.Items {
			each(&list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// OneNamespace calls each for the namespace with a name.
func (r Reviewer) OneNamespace(ctx context.Context, name string, each func(*corev1.Namespace)) error {
	namespace, err := r.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err := checkFound(err, namespace, name); err != nil {
		return wrap(err, "get", "namespace "+name)
	}
	each(namespace)
	return nil
}
