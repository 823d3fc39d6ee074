package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// Settings are those of the plugin and of the virtual kubelet.
type Settings struct {
	// Environ are environment variables, which configure the plugin.
	Environ []string
	// VirtualKubelet are the options of the virtual kubelet. Those of a scenario replace
	// them.
	VirtualKubelet scenario.VirtualKubelet
}

// Reports tells what becomes of each pod of the inputs, in their order. ConfigMaps, Secrets
// and Services of one input are there for the pods of all. The plugin options of a scenario
// override the environment variables. An error means that a document cannot be read; the
// reports are then those of the other pods. A pod that is refused is no error. What is not
// read, though a controller may write pods for it, is a hint of the first report.
func Reports(ctx context.Context, inputs []Input, settings Settings) ([]Report, error) {
	if _, err := pluginOptions(settings.Environ, nil); err != nil {
		return nil, err
	}
	files, shared, err := read(inputs)
	if err != nil {
		return nil, err
	}
	var reports []Report
	for _, f := range files {
		options, err := pluginOptions(settings.Environ, f.plugin)
		if err != nil {
			return nil, err
		}
		vk := interlink.Options{VirtualKubelet: settings.VirtualKubelet}
		if f.isScenario {
			vk.VirtualKubelet = f.virtualKubelet
		}
		p := planner{options: options, virtualKubelet: vk, services: shared.services, pods: shared.pods, recorded: shared.recorded, namesOf: map[types.NamespacedName][]string{}, objects: interlink.AdmitObjects(shared.Objects, vk)}
		if f.request != nil {
			report, err := p.request(f.request)
			if err != nil {
				return nil, err
			}
			reports = append(reports, report)
		}
		for i := range f.pods {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			report, err := p.pod(&f.pods[i])
			if err != nil {
				return nil, err
			}
			reports = append(reports, report)
		}
	}
	reports[0].Hints = append(reports[0].Hints, shared.unread...)
	return reports, shared.problem()
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
	read, err := plugin.ReadTranslateOptions(parsed.Config)
	options := Options{read, plugin.PolicyOptions(parsed.Config)}
	options.OwnNamespace = options.Scope.Namespace == "" // as for the first pod of a local namespace
	return options, err
}

// planner reports on the pods of one file.
type planner struct {
	options        Options
	virtualKubelet interlink.Options
	objects        interlink.Objects
	services       []corev1.Service
	// pods are those of all files: a pod may call one of another file by its name. recorded are
	// those of create requests, which the virtual kubelet has changed.
	pods, recorded []workloads.Pod
	// namesOf are the long names in the ConfigMaps that were needed, by namespace and name.
	namesOf map[types.NamespacedName][]string
}

// pod reports on a pod as a user or a controller writes it.
func (p *planner) pod(written *workloads.Pod) (Report, error) {
	report := Report{Pod: written.Namespace + "/" + written.Name, From: written.From}
	local := written.DeepCopy()
	if local.UID == "" {
		local.UID = uidOf(report.Pod)
	}
	admitted := interlink.Admit(local, p.virtualKubelet)
	report.Hints = append(placementHints(written), p.hints(written)...)
	if report.Reason = whyInvalid(written); report.Reason != "" {
		return report, nil
	}
	body, err := interlink.CreateRequest(admitted, p.objects, p.virtualKubelet)
	if err != nil {
		report.Reason = err.Error()
		later, err := p.onceSent(admitted)
		report.Hints = append(report.Hints, later...)
		return report, err
	}
	report.Sent = true
	request, err := received(body)
	if err != nil {
		return Report{}, err
	}
	// A status request with the pod comes while the create is in flight (docs/contract.md,
	// ENV-17).
	request.Original = translate.OriginalVariables(interlink.WithInitialStatus(admitted, p.virtualKubelet))
	return report, p.translate(&report, request, admitted)
}

// received returns a create request as the plugin receives it.
func received(body *interlink.CreateBody) (*wire.CreateRequest, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the create request of pod %s/%s: %w", body.Pod.Namespace, body.Pod.Name, err)
	}
	request := new(wire.CreateRequest)
	if err := json.Unmarshal(text, request); err != nil {
		return nil, fmt.Errorf("decode the create request of pod %s/%s: %w", body.Pod.Namespace, body.Pod.Name, err)
	}
	return request, nil
}

// translate adds to a report what the plugin makes of a request. local is the pod of the
// local cluster.
func (p *planner) translate(report *Report, request *wire.CreateRequest, local *corev1.Pod) error {
	objects, err := lifecycle.Objects(request, p.options.Options, p.options.Policy)
	if err != nil {
		report.Refusals = errdefs.Reasons(err)
		p.describeRest(report, request, local)
		return nil
	}
	report.Warnings = objects.Warnings
	report.describe(local, objects)
	if report.manifest, err = objects.Manifest(); err != nil {
		return err
	}
	report.Objects, err = asJSON(report.manifest)
	return err
}

// uidOf returns the same UID for the same pod each time.
func uidOf(pod string) types.UID {
	return types.UID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("pod:"+pod)).String())
}
