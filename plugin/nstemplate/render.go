package nstemplate

import (
	"encoding/base64"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The placeholders. They are replaced in every text of a manifest, but not in its field
// names, nor in the data of Secrets that is base64 already. They are replaced after the
// file was parsed: so the name of a namespace can neither change the structure of a
// manifest nor become a number.
const (
	localNamespace  = "$(LOCAL_NAMESPACE)"
	remoteNamespace = "$(REMOTE_NAMESPACE)"
)

// names are the names that replace the placeholders.
type names struct{ local, remote string }

func replace(text string, with names) string {
	return strings.NewReplacer(localNamespace, with.local, remoteNamespace, with.remote).Replace(text)
}

// render returns the object for one remote namespace.
func (m *manifest) render(with names, hash string) map[string]any {
	content := renderMap(m.clone(), with)
	meta, _ := content["metadata"].(map[string]any)
	meta["namespace"] = with.remote
	delete(meta, "creationTimestamp")
	labels, ok := meta["labels"].(map[string]any)
	if !ok {
		labels = map[string]any{}
		meta["labels"] = labels
	}
	labels[wire.LabelNamespaceTemplate] = hash
	if m.kind.resource == "secrets" {
		encodeStringData(content)
	}
	return content
}

func renderMap(values map[string]any, with names) map[string]any {
	for key, value := range values {
		values[key] = renderValue(value, with)
	}
	return values
}

func renderValue(value any, with names) any {
	switch v := value.(type) {
	case string:
		return replace(v, with)
	case []any:
		for i := range v {
			v[i] = renderValue(v[i], with)
		}
	case map[string]any:
		renderMap(v, with)
	}
	return value
}

// encodeStringData moves the stringData of a Secret to its data, as the API server does.
// With server-side apply, a key that a later template does not have would otherwise stay:
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
func encodeStringData(content map[string]any) {
	texts, ok := content["stringData"].(map[string]any)
	delete(content, "stringData")
	if !ok {
		return
	}
	data, ok := content["data"].(map[string]any)
	if !ok {
		data = map[string]any{}
		content["data"] = data
	}
	for key, value := range texts {
		text, _ := value.(string)
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
}
