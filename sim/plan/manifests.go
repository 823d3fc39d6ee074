package plan

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Manifests returns, as a YAML manifest, the remote objects of local manifests: those
// of each pod, with the ConfigMaps and Secrets of the same file. The environment
// variables configure the plugin. The virtualKubelet and plugin options of a scenario
// apply. Documents of other kinds are ignored. The path of the file appears in errors.
func Manifests(path string, text []byte, environ []string) ([]byte, error) {
	file, err := scenario.ParseManifests(path, text)
	if err != nil {
		return nil, errdefs.New(errdefs.Invalid, "read the manifests: %w", err)
	}
	if len(file.Pods) == 0 {
		return nil, errdefs.New(errdefs.Invalid, "%s has no pod: neither a create request nor a manifest of kind Pod", path)
	}
	options, err := pluginOptions(environ, file.Plugin)
	if err != nil {
		return nil, err
	}
	local := interlink.Options{VirtualKubelet: file.VirtualKubelet}
	objects := interlink.AdmitObjects(interlink.Objects{ConfigMaps: file.ConfigMaps, Secrets: file.Secrets}, local)
	var out bytes.Buffer
	for i := range file.Pods {
		body, err := interlink.CreateRequest(interlink.Admit(&file.Pods[i], local), objects, local)
		if err != nil {
			return nil, errdefs.New(errdefs.Invalid, "InterLink would not send pod %s: %w", file.Pods[i].Name, err)
		}
		request, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the create request of pod %s: %w", file.Pods[i].Name, err)
		}
		manifest, err := Request(request, options)
		if err != nil {
			return nil, err
		}
		out.Write(manifest)
	}
	return out.Bytes(), nil
}
