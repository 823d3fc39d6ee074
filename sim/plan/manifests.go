package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// Manifests returns, as a YAML manifest, the remote objects that local manifests
// would become: those of each pod, with the ConfigMaps and Secrets beside it.
// Documents of other kinds are passed over, so that a scenario can be planned.
func Manifests(text []byte, options translate.Options) ([]byte, error) {
	pods, objects, err := readManifests(text)
	if err != nil {
		return nil, err
	}
	if len(pods) == 0 {
		return nil, errdefs.New(errdefs.Invalid, "there is no pod: neither a create request nor a manifest of kind Pod")
	}
	local := interlink.Options{}
	objects = interlink.AdmitObjects(objects, local)
	var out bytes.Buffer
	for i := range pods {
		body, err := interlink.CreateRequest(interlink.Admit(&pods[i], local), objects, local)
		if err != nil {
			return nil, errdefs.New(errdefs.Invalid, "pod %s would never be sent: %w", pods[i].Name, err)
		}
		request, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write the create request of pod %s: %w", pods[i].Name, err)
		}
		manifest, err := Request(request, options)
		if err != nil {
			return nil, err
		}
		out.Write(manifest)
	}
	return out.Bytes(), nil
}

func readManifests(text []byte) ([]corev1.Pod, interlink.Objects, error) {
	var (
		pods    []corev1.Pod
		objects interlink.Objects
	)
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return pods, objects, nil
		}
		if err != nil {
			return nil, objects, errdefs.New(errdefs.Invalid, "read the manifests: %w", err)
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return nil, objects, errdefs.New(errdefs.Invalid, "read the manifests: %w", err)
		}
		switch kind.Kind {
		case "Pod":
			pods, err = appendDocument(pods, document)
		case "ConfigMap":
			objects.ConfigMaps, err = appendDocument(objects.ConfigMaps, document)
		case "Secret":
			objects.Secrets, err = appendDocument(objects.Secrets, document)
		}
		if err != nil {
			return nil, objects, errdefs.New(errdefs.Invalid, "read the %s: %w", kind.Kind, err)
		}
	}
}

// appendDocument decodes a document strictly: a misspelt field would be planned
// as if it were not there.
func appendDocument[T any](list []T, document []byte) ([]T, error) {
	var object T
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		return nil, err
	}
	return append(list, object), nil
}
