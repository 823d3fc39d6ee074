package play

import (
	"bytes"
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// requestMutant is a plugin that sends one wrong request to the remote cluster.
type requestMutant struct {
	fault string
	mutant
	requests faultyRequests
}

// faultyRequests change the requests of a plugin to the remote cluster.
type faultyRequests struct {
	dependent  func(metav1.Object) // a Secret that is created
	pod        func(*corev1.Pod)   // a pod that is created
	keepsGates bool                // patches of scheduling gates are lost
}

// onlyVariables lets InterLink send an object that no container mounts, and a variable
// that it has not resolved.
var onlyVariables = createContainers(func(container object) {
	if container["env"] != nil {
		container["env"] = []any{object{"name": "USERNAME", "valueFrom": object{"secretKeyRef": object{"name": "login", "key": "username"}}}}
	}
	delete(container, "volumeMounts")
})

var requestMutants = []requestMutant{
	{
		"creates objects without an owner", mutant{scenario: "volume-secret", rule: "DELETE-1", text: "(it has no owner)"},
		faultyRequests{dependent: func(o metav1.Object) { o.SetOwnerReferences(nil) }},
	},
	{
		"names another UID as owner", mutant{scenario: "volume-secret", text: "which is not the pod's"},
		faultyRequests{dependent: func(o metav1.Object) {
			owners := slices.Clone(o.GetOwnerReferences())
			for i := range owners {
				owners[i].UID = "00000000-0000-0000-0000-000000000000"
			}
			o.SetOwnerReferences(owners)
		}},
	},
	{
		"leaves a volume's reference optional", mutant{scenario: "late-volume", text: "because the volume's reference to it is optional"},
		faultyRequests{pod: optionalVolumes},
	},
	{
		"leaves a variable's reference optional", mutant{scenario: "late-variable", text: "because its variable's reference to it is optional", answer: onlyVariables},
		faultyRequests{pod: func(pod *corev1.Pod) { optionalVariables(pod); withoutGates(pod) }},
	},
	{
		"keeps a label that controllers obey", mutant{scenario: "metadata-dropped", text: "pod-template-hash"},
		faultyRequests{pod: func(pod *corev1.Pod) { pod.Labels["pod-template-hash"] = "5d4f8c7b9" }},
	},
	{
		"never removes the gate", mutant{scenario: "late-optional", text: "still has the scheduling gate"},
		faultyRequests{keepsGates: true},
	},
	{
		"forgets the gate of an optional volume", mutant{scenario: "late-optional", text: "because the volume's reference to it is optional"},
		faultyRequests{pod: withoutGates},
	},
	{
		"forgets the gate of an object that only a variable names", mutant{scenario: "late-variable", text: "a scheduling gate did not hold the pod until then", answer: onlyVariables},
		faultyRequests{pod: withoutGates},
	},
}

func withoutGates(pod *corev1.Pod) { pod.Spec.SchedulingGates = nil }

func optionalVolumes(pod *corev1.Pod) {
	for i := range pod.Spec.Volumes {
		if secret := pod.Spec.Volumes[i].Secret; secret != nil {
			secret.Optional = ptr.To(true)
		}
	}
}

func optionalVariables(pod *corev1.Pod) {
	for _, c := range pod.Spec.Containers {
		for _, v := range c.Env {
			if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil {
				v.ValueFrom.SecretKeyRef.Optional = ptr.To(true)
			}
		}
	}
}

// Each plugin that sends a wrong request fails a scenario with a difference that names
// the fault. Without the fault the same scenario passes.
func TestMutantsOfRequests(t *testing.T) {
	for _, m := range requestMutants {
		if m.answer == nil {
			m.answer = (*call).forward
		}
		t.Run(m.fault, func(t *testing.T) {
			t.Parallel()
			played := m.playWith(t, func(client kubernetes.Interface) kubernetes.Interface { return faultyClient{client, m.requests} })
			if played.Verdict != report.Failed || !slices.ContainsFunc(played.Texts(), m.isNamedBy) {
				t.Errorf("%s %s, want a difference of rule %q that contains %q, got %q", m.scenario, played.Verdict, m.rule, m.text, played.Texts())
			}
		})
		t.Run("no fault "+m.fault, func(t *testing.T) {
			t.Parallel()
			if played := m.play(t); played.Verdict != report.Passed {
				t.Errorf("%s %s, differences %q", m.scenario, played.Verdict, played.Texts())
			}
		})
	}
}

// faultyClient is the client of the remote cluster that a request mutant gets.
type faultyClient struct {
	kubernetes.Interface
	faults faultyRequests
}

// IsWatchListSemanticsUnSupported is a question of informers to fake clusters.
func (faultyClient) IsWatchListSemanticsUnSupported() bool { return true }

func (c faultyClient) CoreV1() typedcore.CoreV1Interface {
	return faultyCore{c.Interface.CoreV1(), c.faults}
}

type faultyCore struct {
	typedcore.CoreV1Interface
	faults faultyRequests
}

func (c faultyCore) Pods(namespace string) typedcore.PodInterface {
	return faultyPods{c.CoreV1Interface.Pods(namespace), c.faults}
}

func (c faultyCore) Secrets(namespace string) typedcore.SecretInterface {
	return faultySecrets{c.CoreV1Interface.Secrets(namespace), c.faults}
}

type faultyPods struct {
	typedcore.PodInterface
	faults faultyRequests
}

func (p faultyPods) Create(ctx context.Context, pod *corev1.Pod, options metav1.CreateOptions) (*corev1.Pod, error) {
	if p.faults.pod != nil {
		pod = pod.DeepCopy()
		p.faults.pod(pod)
	}
	return p.PodInterface.Create(ctx, pod, options)
}

func (p faultyPods) Patch(
	ctx context.Context, name string, kind types.PatchType, body []byte, options metav1.PatchOptions, sub ...string,
) (*corev1.Pod, error) {
	if p.faults.keepsGates && bytes.Contains(body, []byte("schedulingGates")) {
		return p.Get(ctx, name, metav1.GetOptions{})
	}
	return p.PodInterface.Patch(ctx, name, kind, body, options, sub...)
}

type faultySecrets struct {
	typedcore.SecretInterface
	faults faultyRequests
}

func (s faultySecrets) Create(ctx context.Context, secret *corev1.Secret, options metav1.CreateOptions) (*corev1.Secret, error) {
	if s.faults.dependent != nil {
		secret = secret.DeepCopy()
		s.faults.dependent(secret)
	}
	return s.SecretInterface.Create(ctx, secret, options)
}

// firstRefusalOnly answers a create that is refused with the first reason.
func firstRefusalOnly(c *call) (int, []byte) {
	code, text := c.forward()
	first, _, _ := bytes.Cut(text, []byte("; "))
	return code, first
}
