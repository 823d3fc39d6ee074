package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// pageSize is the number of objects that one request of a list returns at most.
const pageSize = 500

// MarkPod sets an annotation of a pod; an empty value removes it. If unchanged is true, the
// pod is changed only if it still has the resource version of pod; otherwise the error is of
// kind Conflict. The error is of kind NotFound if the pod does not exist any more.
func (c *Cluster) MarkPod(ctx context.Context, pod *corev1.Pod, annotation, value string, unchanged bool) error {
	meta := map[string]any{"annotations": map[string]any{annotation: value}}
	if value == "" {
		meta["annotations"] = map[string]any{annotation: nil}
	}
	if unchanged {
		meta["resourceVersion"] = pod.ResourceVersion
	}
	return c.patch(ctx, "mark", pod, map[string]any{"metadata": meta})
}

// EachPod calls each for every pod that matches a selector, page by page; namespace is
// empty for all namespaces. An error of each ends the list, and is returned as it is.
func (c *Cluster) EachPod(ctx context.Context, namespace, selector string, each func(*corev1.Pod) error) error {
	options := metav1.ListOptions{LabelSelector: selector, Limit: pageSize}
	for {
		list, err := c.client.CoreV1().Pods(namespace).List(ctx, options)
		if err := checkList(err, list); err != nil {
			return wrap(err, "list", "pods")
		}
		for i := range list.Items {
			if err := each(&list.Items[i]); err != nil {
				return err
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// metadataLists asks for nothing but the metadata of the objects of a list:
// https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
const metadataLists = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// EachMetadata calls each with the metadata of every object of a resource of the core group
// that matches a selector, page by page: the API server sends no Secret's data. An error of
// each ends the list, and is returned as it is.
func (c *Cluster) EachMetadata(ctx context.Context, resource, namespace, selector string, each func(*metav1.ObjectMeta) error) error {
	what := resource
	if namespace != "" {
		what += " in namespace " + namespace
	}
	if !c.ListsMetadata() {
		return errdefs.New(errdefs.Refused, "list %s: this client cannot list metadata", what)
	}
	options := metav1.ListOptions{LabelSelector: selector, Limit: pageSize}
	for {
		answer, err := c.rest.Get().Resource(resource).NamespaceIfScoped(namespace, namespace != "").
			VersionedParams(&options, scheme.ParameterCodec).SetHeader("Accept", metadataLists).Do(ctx).Raw()
		if err != nil {
			return wrap(err, "list", what)
		}
		var list metav1.PartialObjectMetadataList
		if err := json.Unmarshal(answer, &list); err != nil {
			return errdefs.Wrap(errdefs.Unavailable, fmt.Errorf("list %s: the answer is not a list: %w", what, err))
		}
		if err := checkList(nil, &list); err != nil {
			return wrap(err, "list", what)
		}
		for i := range list.Items {
			if err := each(&list.Items[i].ObjectMeta); err != nil {
				return err
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// ListsMetadata reports whether the client can list metadata: the client of a simulated
// cluster cannot.
func (c *Cluster) ListsMetadata() bool { return c.rest != nil }

// restClient returns the client of the core group below client, or nil for a fake client,
// which has none.
func restClient(client kubernetes.Interface) rest.Interface {
	if c, ok := client.CoreV1().RESTClient().(*rest.RESTClient); ok && c != nil {
		return c
	}
	return nil
}
