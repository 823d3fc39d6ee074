package plan

import (
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// File returns, as a YAML manifest, the remote objects that the plugin would create
// for a file: a create request as InterLink sends it, a scenario, or manifests of
// local pods. The environment variables configure the plugin; the options of a
// scenario override them. The path of the file appears in errors.
func File(path string, text []byte, environ []string) ([]byte, error) {
	options, err := pluginOptions(environ, nil)
	if err != nil {
		return nil, err
	}
	var request struct {
		Pod any `json:"pod"`
	}
	if err := yaml.Unmarshal(text, &request); err == nil && request.Pod != nil {
		return Request(text, options)
	}
	return Manifests(path, text, environ)
}

// Options are those of the parts of the plugin that decide what a pod becomes, and whether
// it is created at all.
type Options struct {
	translate.Options
	Policy policy.Options
}

// pluginOptions returns the plugin's options by the user's environment variables,
// overridden by the options of a scenario.
func pluginOptions(environ []string, scenario map[string]string) (Options, error) {
	environ = slices.Clone(environ)
	for _, name := range slices.Sorted(maps.Keys(scenario)) {
		environ = append(environ, name+"="+scenario[name])
	}
	parsed, err := config.Parse(nil, environ)
	if err != nil {
		return Options{}, err
	}
	options := Options{plugin.TranslateOptions(parsed.Config), plugin.PolicyOptions(parsed.Config)}
	options.OwnNamespace = options.Scope.Namespace == "" // as for the first pod of a local namespace
	options.MeshTexts, err = plugin.MeshTexts(parsed.Config.Mesh)
	return options, err
}

// Request returns, as a YAML manifest, the remote objects that the plugin would
// create for a create request (the body of POST /create, in JSON or YAML). The text
// of an error of kind Invalid or Refused is what a user of InterLink would see.
func Request(text []byte, options Options) ([]byte, error) {
	var request wire.CreateRequest
	if err := yaml.Unmarshal(text, &request); err != nil {
		return nil, errdefs.New(errdefs.Invalid, "read the create request: %w", err)
	}
	pod := request.Pod
	if pod.Name == "" || pod.Namespace == "" || pod.UID == "" {
		return nil, errdefs.New(errdefs.Invalid, "not a create request: it needs pod.metadata.name, namespace and uid")
	}
	objects, err := translate.ToObjects(&request, options.Options)
	if err == nil {
		err = policy.Judge(objects.Judged, &pod, options.Policy)
	}
	if err != nil {
		return nil, fmt.Errorf("the plugin would refuse pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return objects.Manifest()
}
