package workloads

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Manifest is one object of a file.
type Manifest struct {
	// Fields are the object as decoded JSON.
	Fields map[string]any
	// Changed is true if the fields are not those of a document: the object was an item of a
	// list, or it had no name but a generateName.
	Changed bool
}

// Kind returns the kind of the manifest.
func (m Manifest) Kind() string { return textOf(m.Fields, "kind") }

// GroupKind returns the API group and the kind of the manifest: two groups can have one kind, such
// as the Jobs of Kubernetes and of Volcano.
func (m Manifest) GroupKind() schema.GroupKind {
	group, _, grouped := strings.Cut(textOf(m.Fields, "apiVersion"), "/")
	if !grouped {
		group = ""
	}
	return schema.GroupKind{Group: group, Kind: m.Kind()}
}

// Name returns the name of the manifest.
func (m Manifest) Name() string { return textOf(m.Fields, "metadata", "name") }

// Namespace returns the namespace of the manifest, or that of a manifest without one.
func (m Manifest) Namespace() string {
	return cmp.Or(textOf(m.Fields, "metadata", "namespace"), metav1.NamespaceDefault)
}

// Decode reads a manifest as a type of the Kubernetes API. An unknown field is an error.
func Decode[T any](m Manifest) (*T, error) { return decode[T](m.Fields) }

// Manifests returns the documents of a YAML or JSON file that are objects, and in place of a
// list, such as kubectl get -o yaml prints it, its items. An object with generateName has a
// name, as the API server gives it one.
func Manifests(text []byte) ([]Manifest, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var manifests []Manifest
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			generateNames(manifests)
			return manifests, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		var fields map[string]any
		if err := yaml.Unmarshal(document, &fields); err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		manifests = append(manifests, itemsOf(fields)...)
	}
}

// itemsOf returns the object of a document, or the items of a list. A list has no name.
func itemsOf(fields map[string]any) []Manifest {
	items, isList := fields["items"].([]any)
	switch {
	case len(fields) == 0:
		return nil
	case !isList || textOf(fields, "metadata", "name") != "":
		return []Manifest{{Fields: fields}}
	}
	kind, typed := strings.CutSuffix(textOf(fields, "kind"), "List")
	var all []Manifest
	for _, item := range items {
		object, ok := item.(map[string]any)
		if !ok {
			continue
		}
		if typed && kind != "" && textOf(object, "kind") == "" { // the API server leaves it out
			object["kind"], object["apiVersion"] = kind, fields["apiVersion"]
		}
		all = append(all, Manifest{Fields: object, Changed: true})
	}
	return all
}

// generateNames gives a name to each manifest that has only a generateName. The names of
// one kind and namespace differ.
func generateNames(manifests []Manifest) {
	taken := map[string]int{}
	for i := range manifests {
		m := &manifests[i]
		prefix := m.generateName()
		if m.Name() != "" || prefix == "" {
			continue
		}
		key := m.GroupKind().String() + " " + m.Namespace() + "/" + prefix
		name := generated(prefix)
		if count := taken[key]; count > 0 {
			name = fmt.Sprintf("%s%0*d", strings.TrimSuffix(name, randomSuffix), len(randomSuffix), count)
		}
		taken[key]++
		metadata, _ := m.Fields["metadata"].(map[string]any)
		metadata["name"], m.Changed = name, true
	}
}

func (m Manifest) generateName() string { return textOf(m.Fields, "metadata", "generateName") }

// textOf returns the text at a path of keys, or "".
func textOf(object map[string]any, path ...string) string {
	for _, key := range path[:len(path)-1] {
		object, _ = object[key].(map[string]any)
	}
	text, _ := object[path[len(path)-1]].(string)
	return text
}
