package cluster

import (
	"bytes"
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// metadataOnly asks the API server for an answer with nothing but the metadata of an
// object. Otherwise the answer to a create or a delete of a pod is the whole pod, and to
// convert, encode and decode it costs processor time on both sides. The plugin reads only
// its UID (docs/performance.md).
// https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
//
// An API server that cannot answer so, or that answers with an error, uses the others.
const metadataOnly = runtime.ContentTypeProtobuf + ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1," + contentTypes

// restClient returns the client of the core group below client, or nil for a fake client,
// which has none.
func restClient(client kubernetes.Interface) rest.Interface {
	if c, ok := client.CoreV1().RESTClient().(*rest.RESTClient); ok && c != nil {
		return c
	}
	return nil
}

// post creates an object and returns its UID.
func post(ctx context.Context, client rest.Interface, resource string, object metav1.Object) (types.UID, error) {
	namespace := object.GetNamespace()
	result := client.Post().UseProtobufAsDefault().SetHeader("Accept", metadataOnly).
		NamespaceIfScoped(namespace, namespace != "").Resource(resource).Body(object).Do(ctx)
	if err := result.Error(); err != nil {
		return "", err
	}
	answer, err := result.Raw()
	if err != nil {
		return "", err
	}
	return uidOf(answer)
}

// remove deletes an object by its name.
func remove(ctx context.Context, client rest.Interface, resource string, object metav1.Object, options *metav1.DeleteOptions) error {
	return client.Delete().UseProtobufAsDefault().SetHeader("Accept", metadataOnly).
		Namespace(object.GetNamespace()).Resource(resource).Name(object.GetName()).Body(options).Do(ctx).Error()
}

// uidOf returns the UID of an object in the answer of an API server. Objects of all kinds
// have their metadata in the same field.
func uidOf(answer []byte) (types.UID, error) {
	var object metav1.PartialObjectMetadata
	var err error
	if encoded, ok := bytes.CutPrefix(answer, protobufMagic); ok {
		var envelope runtime.Unknown
		if err = envelope.Unmarshal(encoded); err == nil {
			err = object.Unmarshal(envelope.Raw)
		}
	} else {
		err = json.Unmarshal(answer, &object)
	}
	switch {
	case err != nil:
		return "", errdefs.New(errdefs.Unavailable, "decode the answer: %w", err)
	case object.UID == "":
		return "", errdefs.New(errdefs.Unavailable, "decode the answer: it has no UID")
	}
	return object.UID, nil
}
