package plan

import (
	"encoding/json"
	"errors"
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
	// problems say which documents cannot be read. The others are.
	problems []error
}

func (l *local) addProblem(format string, args ...any) {
	l.problems = append(l.problems, errdefs.New(errdefs.Invalid, format, args...))
}

// problem returns an error that names all documents which cannot be read, or nil.
func (l *local) problem() error {
	if len(l.problems) == 0 {
		return nil
	}
	return errdefs.Wrap(errdefs.Invalid, errors.Join(l.problems...))
}

// read reads all inputs. It returns an error if there is no pod.
func read(inputs []Input) ([]file, *local, error) {
	var files []file
	var shared local
	pods := 0
	for _, input := range inputs {
		f := readOne(input, &shared)
		files = append(files, f)
		shared.pods = append(shared.pods, f.pods...)
		if pods += len(f.pods); f.request != nil {
			pods++
			shared.recorded = append(shared.recorded, workloads.Pod{Pod: f.request.Pod})
		}
	}
	if pods == 0 && len(shared.problems) > 0 {
		return nil, &shared, shared.problem()
	}
	if pods == 0 {
		why := strings.Join(append([]string{"neither a create request, nor a Pod, nor a manifest with a pod template"}, shared.unread...), "; ")
		return nil, &shared, errdefs.New(errdefs.Invalid, "%s has no pod: %s", inputs[0].Path, why)
	}
	return files, &shared, nil
}

func readOne(input Input, shared *local) file {
	if request := asRequest(input.Text); request != nil {
		if request.Pod.Name == "" || request.Pod.Namespace == "" || request.Pod.UID == "" {
			shared.addProblem("%s: not a create request: it needs pod.metadata.name, namespace and uid", input.Path)
			return file{}
		}
		return file{request: request}
	}
	manifests, err := workloads.Manifests(input.Text)
	if err != nil {
		manifests = nil // ParseManifests says where, and what is wrong
	}
	parsed, err := shared.parse(input, manifests)
	if err != nil {
		shared.addProblem("read the manifests: %w", err)
		return file{}
	}
	f := file{isScenario: parsed.Description != "", virtualKubelet: parsed.VirtualKubelet, plugin: parsed.Plugin}
	for i := range parsed.Pods {
		f.pods = append(f.pods, workloads.Pod{Pod: parsed.Pods[i], Placed: f.isScenario})
	}
	shared.ConfigMaps = append(shared.ConfigMaps, parsed.ConfigMaps...)
	shared.Secrets = append(shared.Secrets, parsed.Secrets...)
	for _, manifest := range manifests {
		if isReadByScenario(manifest) {
			continue
		}
		pods, err := shared.readManifest(input.Path, manifest)
		if err != nil {
			shared.addProblem("%s: %w", input.Path, err)
			continue
		}
		f.pods = append(f.pods, pods...)
	}
	return f
}

// parse reads what scenario.ParseManifests reads. A document that cannot be read is a problem,
// and the others of the file are read; a scenario is read as a whole.
func (l *local) parse(input Input, manifests []workloads.Manifest) (*scenario.File, error) {
	text := input.Text
	if slices.ContainsFunc(manifests, func(m workloads.Manifest) bool { return m.Changed }) {
		var err error
		if text, err = join(manifests); err != nil {
			return nil, fmt.Errorf("%s: %w", input.Path, err)
		}
	}
	parsed, err := scenario.ParseManifests(input.Path, text)
	if err == nil || manifests == nil || slices.ContainsFunc(manifests, func(m workloads.Manifest) bool { return m.Kind() == scenario.Kind }) {
		return parsed, err
	}
	l.addProblem("read the manifests: %w", err)
	parsed = &scenario.File{Path: input.Path}
	for _, manifest := range manifests {
		document, err := join([]workloads.Manifest{manifest})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", input.Path, err)
		}
		if one, err := scenario.ParseManifests(input.Path, document); err == nil { // else the problem names it
			parsed.Pods = append(parsed.Pods, one.Pods...)
			parsed.ConfigMaps, parsed.Secrets = append(parsed.ConfigMaps, one.ConfigMaps...), append(parsed.Secrets, one.Secrets...)
		}
	}
	return parsed, nil
}

// readManifest returns the pods that the controller of a manifest creates, and adds what else
// the manifest has.
func (l *local) readManifest(path string, manifest workloads.Manifest) ([]workloads.Pod, error) {
	if manifest.GroupKind() == (schema.GroupKind{Kind: "Service"}) {
		service, err := workloads.Decode[corev1.Service](manifest)
		if err != nil {
			return nil, fmt.Errorf("read a Service: %w", err)
		}
		l.services = append(l.services, *service)
		return nil, nil
	}
	pods, err := workloads.Pods(manifest)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if err := check(&pods[i]); err != nil {
			return nil, err
		}
	}
	if len(pods) == 0 && workloads.MayWritePods(manifest) {
		l.unread = append(l.unread, fmt.Sprintf("kind %s (%s): not read; give its pods", manifest.Kind(), manifest.Name()))
	}
	return pods, l.addBeside(manifest)
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
func NotRead(inputs []Input) []string {
	_, shared, _ := read(inputs) // what is wrong is an error of Reports
	return shared.unread
}

// check returns an error if a controller could not create its pod.
func check(pod *workloads.Pod) error {
	if len(pod.Spec.Containers) == 0 {
		return fmt.Errorf("%s: the template of pod %s has no containers", pod.From, pod.Name)
	}
	manifest := pod.DeepCopy()
	manifest.APIVersion, manifest.Kind = "v1", "Pod"
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if _, err := scenario.ParseManifests(pod.From, text); err != nil {
		return fmt.Errorf("read the pod of %w", err)
	}
	return nil
}

// isReadByScenario reports whether scenario.ParseManifests reads a manifest.
func isReadByScenario(manifest workloads.Manifest) bool {
	group := manifest.GroupKind()
	return group.Group == "" && slices.Contains(readByScenario, group.Kind) || group.Kind == scenario.Kind
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
