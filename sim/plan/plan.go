package plan

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Of returns, as a YAML manifest, the remote objects that a file would become: a
// create request as InterLink sends it, or the manifests of local pods.
func Of(text []byte, options translate.Options) ([]byte, error) {
	var request struct {
		Pod any `json:"pod"`
	}
	if err := yaml.Unmarshal(text, &request); err == nil && request.Pod != nil {
		return Request(text, options)
	}
	return Manifests(text, options)
}

// Request returns, as a YAML manifest, the remote objects that a create request
// (the body of POST /create, in JSON or YAML) would become. An error of kind
// Invalid or Refused is what InterLink's user would read.
func Request(text []byte, options translate.Options) ([]byte, error) {
	var request wire.CreateRequest
	if err := yaml.Unmarshal(text, &request); err != nil {
		return nil, errdefs.New(errdefs.Invalid, "read the create request: %w", err)
	}
	pod := request.Pod
	if pod.Name == "" || pod.Namespace == "" || pod.UID == "" {
		return nil, errdefs.New(errdefs.Invalid, "this is no create request: pod.metadata.name, namespace and uid are needed")
	}
	objects, err := translate.ToObjects(&request, options)
	if err != nil {
		return nil, fmt.Errorf("pod %s/%s would be refused: %w", pod.Namespace, pod.Name, err)
	}
	return objects.Manifest()
}
