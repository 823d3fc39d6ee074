package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// noOriginal is the note of a recorded request whose variables have lost their meaning. The
// plugin learns it from the status request that follows a create (docs/contract.md, ENV-17).
const noOriginal = "the pod as the user wrote it is not known: the fields of variables that arrived empty or as 127.0.0.1, and the numbers of resources, are guessed; add the manifest of the pod or of its controller to the files"

// request reports on a create request as InterLink sends it. The virtual kubelet has sent it, so
// the pod is placed.
func (p *planner) request(request *wire.CreateRequest) (Report, error) {
	pod := &request.Pod
	report := Report{Pod: pod.Namespace + "/" + pod.Name, Sent: true}
	report.Hints = p.hints(&workloads.Pod{Pod: *pod})
	if original, known := p.original(pod); known {
		request.Original = original
	} else if p.isGuessed(request) {
		report.Note = noOriginal
	}
	return report, p.translate(&report, request, withOriginal(pod, request.Original))
}

// withOriginal returns a pod with the sources of its variables as the user wrote them.
func withOriginal(pod *corev1.Pod, original []wire.OriginalContainer) *corev1.Pod {
	pod = pod.DeepCopy()
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for _, c := range original {
				if c.Name == containers[i].Name {
					setSources(containers[i].Env, c.Env)
				}
			}
		}
	}
	return pod
}

func setSources(env, written []corev1.EnvVar) {
	for i := range env {
		for _, variable := range written {
			if variable.Name == env[i].Name {
				env[i] = variable
			}
		}
	}
}

// original returns the sources of the variables of a recorded request's pod, as another file has
// the pod, its template or another pod of its template, which has the same variables. It returns
// false if no file has it, or several fit and have different sources.
func (p *planner) original(pod *corev1.Pod) ([]wire.OriginalContainer, bool) {
	for _, fits := range []func(*workloads.Pod) bool{
		func(written *workloads.Pod) bool {
			return written.Name == pod.Name && written.Namespace == pod.Namespace
		},
		func(written *workloads.Pod) bool { return written.SameTemplate(pod) },
	} {
		var found [][]wire.OriginalContainer
		for i := range p.pods {
			if fits(&p.pods[i]) {
				found = append(found, translate.OriginalVariables(&p.pods[i].Pod))
			}
		}
		if len(found) > 0 {
			same := !slices.ContainsFunc(found, func(other []wire.OriginalContainer) bool { return !equality.Semantic.DeepEqual(found[0], other) })
			return found[0], same
		}
	}
	return nil, false
}

// isGuessed reports whether a variable of a request can have another meaning than the plugin
// gives it: nothing says for sure from what it comes.
func (p *planner) isGuessed(request *wire.CreateRequest) bool {
	if translate.NeedsOriginal(request, p.options.Options) {
		return true
	}
	pod := &request.Pod
	if len(pod.ManagedFields) > 0 || pod.Annotations[wire.AnnotationLastApplied] != "" || p.options.Variables == config.VariablesResolved {
		return false
	}
	return slices.ContainsFunc(slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool {
			return v.ValueFrom == nil && (v.Value == "" || v.Value == "127.0.0.1")
		})
	})
}
