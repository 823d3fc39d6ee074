package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// Input is one file: manifests, a scenario, or a create request as InterLink sends it.
type Input struct {
	// Path appears in errors.
	Path string
	Text []byte
}

// file is what was read of one input.
type file struct {
	pods []workloads.Pod
	// request is the create request; nil if the input has manifests.
	request *wire.CreateRequest
	// virtualKubelet and plugin are the options of a scenario. They are set only if
	// isScenario.
	isScenario     bool
	virtualKubelet scenario.VirtualKubelet
	plugin         map[string]string
}

// local is what the inputs have besides pods: pods of one file may use objects of another.
type local struct {
	interlink.Objects
	services []corev1.Service
	pods     []workloads.Pod
	// recorded are the pods of create requests.
	recorded []workloads.Pod
	// unread are the objects whose controller may write pods, and which have no pod template, as kind and name.
	unread []string
}

// read reads all inputs.
func read(inputs []Input) ([]file, *local, error) {
	var files []file
	var shared local
	pods := 0
	for _, input := range inputs {
		f, err := readOne(input, &shared)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
		shared.pods = append(shared.pods, f.pods...)
		if pods += len(f.pods); f.request != nil {
			pods++
			shared.recorded = append(shared.recorded, workloads.Pod{Pod: f.request.Pod})
		}
	}
	if pods == 0 {
		why := strings.Join(append([]string{"neither a create request, nor a Pod, nor a manifest with a pod template"}, shared.unread...), "; ")
		return nil, nil, errdefs.New(errdefs.Invalid, "%s has no pod: %s", inputs[0].Path, why)
	}
	return files, &shared, nil
}

func readOne(input Input, shared *local) (file, error) {
	if request := asRequest(input.Text); request != nil {
		return file{request: request}, nil
	}
	manifests, err := workloads.Manifests(input.Text)
	if err != nil {
		manifests = nil // ParseManifests says where, and what is wrong
	}
	text := input.Text
	if slices.ContainsFunc(manifests, func(m workloads.Manifest) bool { return m.Changed }) {
		if text, err = join(manifests); err != nil {
			return file{}, fmt.Errorf("%s: %w", input.Path, err)
		}
	}
	parsed, err := scenario.ParseManifests(input.Path, text)
	if err != nil {
		return file{}, errdefs.New(errdefs.Invalid, "read the manifests: %w", err)
	}
	f := file{isScenario: parsed.Description != "", virtualKubelet: parsed.VirtualKubelet, plugin: parsed.Plugin}
	for i := range parsed.Pods {
		f.pods = append(f.pods, workloads.Pod{Pod: parsed.Pods[i]})
	}
	shared.ConfigMaps = append(shared.ConfigMaps, parsed.ConfigMaps...)
	shared.Secrets = append(shared.Secrets, parsed.Secrets...)
	for _, manifest := range manifests {
		if group := manifest.GroupKind(); group.Group == "" && slices.Contains(readByScenario, group.Kind) || group.Kind == scenario.Kind {
			continue
		}
		if manifest.GroupKind() == (schema.GroupKind{Kind: "Service"}) {
			service, err := workloads.Decode[corev1.Service](manifest)
			if err != nil {
				return file{}, errdefs.New(errdefs.Invalid, "%s: read a Service: %w", input.Path, err)
			}
			shared.services = append(shared.services, *service)
			continue
		}
		pods, err := workloads.Pods(manifest)
		if err != nil {
			return file{}, errdefs.New(errdefs.Invalid, "%s: %w", input.Path, err)
		}
		for i := range pods {
			if err := check(input.Path, &pods[i]); err != nil {
				return file{}, err
			}
		}
		f.pods = append(f.pods, pods...)
		if len(pods) == 0 && workloads.MayWritePods(manifest) {
			shared.unread = append(shared.unread, fmt.Sprintf("kind %s (%s): not read; give its pods", manifest.Kind(), manifest.Name()))
		}
		if err := shared.addBeside(manifest); err != nil {
			return file{}, errdefs.New(errdefs.Invalid, "%s: %w", input.Path, err)
		}
	}
	return f, nil
}

// addBeside adds what a controller creates beside the pods of a manifest.
func (l *local) addBeside(manifest workloads.Manifest) error {
	hosts, service, err := workloads.Beside(manifest)
	if hosts != nil {
		l.ConfigMaps = append(l.ConfigMaps, *hosts)
	}
	if service != nil {
		l.services = append(l.services, *service)
	}
	return err
}

// NotRead names the objects of the inputs whose controllers may write pods that are not known here.
func NotRead(inputs []Input) ([]string, error) {
	_, shared, err := read(inputs)
	if err != nil {
		return nil, err
	}
	return shared.unread, nil
}

// check returns an error if a controller could not create its pod.
func check(path string, pod *workloads.Pod) error {
	manifest := pod.DeepCopy()
	manifest.APIVersion, manifest.Kind = "v1", "Pod"
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if _, err := scenario.ParseManifests(pod.From, text); err != nil {
		return errdefs.New(errdefs.Invalid, "%s: read the pod of %w", path, err)
	}
	return nil
}

// readByScenario are the kinds that scenario.ParseManifests reads.
var readByScenario = []string{"Pod", "ConfigMap", "Secret", "PersistentVolumeClaim"}

// asRequest returns a create request, or nil if the text is something else.
func asRequest(text []byte) *wire.CreateRequest {
	var request struct {
		Pod any `json:"pod"`
	}
	if err := yaml.Unmarshal(text, &request); err != nil || request.Pod == nil {
		return nil
	}
	var whole wire.CreateRequest
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil
	}
	return &whole
}

// join writes manifests as documents of one file.
func join(manifests []workloads.Manifest) ([]byte, error) {
	var text []byte
	for _, manifest := range manifests {
		document, err := json.Marshal(manifest.Fields)
		if err != nil {
			return nil, err
		}
		text = append(append(text, document...), "\n---\n"...)
	}
	return text, nil
}
