package plan_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// TestFieldsKeepTheirMeaning checks, for generated pods, that variables from fields and
// resources, and those that refer to them, have the values that they have on a kubelet in the
// local cluster, with the addresses of the remote pod: in both modes of the virtual kubelet,
// told or not, and wherever the plugin learns of the fields from. Where it does not, a
// variable may have another value, but never without a warning that names it.
func TestFieldsKeepTheirMeaning(t *testing.T) {
	for _, skip := range []bool{false, true} {
		for _, told := range []bool{false, true} {
			for _, source := range []string{"original", "applied", "none"} {
				t.Run(fmt.Sprintf("skipDownwardAPIResolution=%t,told=%t,%s", skip, told, source), func(t *testing.T) {
					for seed := range uint64(200) {
						checkFields(t, fieldGenerator{generator{rand.New(rand.NewPCG(seed, 17))}, skip}, told, source, seed)
					}
				})
			}
		}
	}
}

func checkFields(t *testing.T, g fieldGenerator, told bool, source string, seed uint64) {
	t.Helper()
	pod := g.pod()
	if source == "applied" {
		manifest, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		pod.Annotations[wire.AnnotationLastApplied] = string(manifest)
	}
	var vk interlink.Options
	vk.SkipDownwardAPIResolution = g.skip
	admitted := interlink.Admit(pod, vk)
	body, err := interlink.CreateRequest(admitted, interlink.Objects{}, vk)
	if err != nil {
		t.Fatal(err)
	}
	if g.skip && g.IntN(2) == 0 {
		emptyAnnotations(pod, &body.Pod)
	}
	request := &wire.CreateRequest{Pod: body.Pod}
	if source == "original" {
		request.Original = translate.OriginalVariables(admitted)
	}
	options := translate.Options{Scope: scope.Scope{Instance: "default"}}
	options.Variables = config.VariablesAuto
	if told {
		options.Variables = map[bool]config.VariableMode{false: config.VariablesResolved, true: config.VariablesUnresolved}[g.skip]
	}
	remote, err := translate.ToObjects(request, options)
	if err != nil {
		t.Fatal(err)
	}
	addresses := corev1.PodStatus{PodIP: "10.0.0.7", PodIPs: []corev1.PodIP{{IP: "10.0.0.7"}, {IP: "fd00::7"}}, HostIP: "192.0.2.7", HostIPs: []corev1.HostIP{{IP: "192.0.2.7"}}}
	admitted.Status, remote.Pod.Status = addresses, addresses
	want := kubeletValues(admitted, interlink.Objects{}, &admitted.Spec.Containers[0])
	got := kubeletValues(remote.Pod, interlink.Objects{}, &remote.Pod.Spec.Containers[0])
	known := told && source != "none"
	if diff := cmp.Diff(want, got); diff != "" && (known || !warnedOf(admitted.Spec.Containers[0].Env, want, got, remote.Warnings)) {
		t.Fatalf("seed %d: values (-local +remote)\n%s\nthe user wrote %+v\nit arrived as %+v\nwarnings %q", seed, diff, pod.Spec.Containers[0].Env, body.Pod.Spec.Containers[0].Env, remote.Warnings)
	}
	if known && len(remote.Warnings) > 0 {
		t.Fatalf("seed %d: warnings %q", seed, remote.Warnings)
	}
}

// warnedOf reports whether a warning names each variable with another value than it must have. A
// variable that refers to others may also differ because one of these does.
func warnedOf(env []corev1.EnvVar, want, got map[string]string, warnings []string) bool {
	differs := map[string]bool{}
	for _, variable := range env {
		value, ok := got[variable.Name]
		differs[variable.Name] = !ok || value != want[variable.Name]
	}
	for _, variable := range env {
		if !differs[variable.Name] {
			continue
		}
		named := func(warning string) bool {
			return strings.HasPrefix(warning, "variable "+variable.Name+" of container main")
		}
		refers := func(other corev1.EnvVar) bool {
			return other.Name != variable.Name && differs[other.Name] && strings.Contains(variable.Value, "$("+other.Name+")")
		}
		if !slices.ContainsFunc(warnings, named) && !slices.ContainsFunc(env, refers) {
			return false
		}
	}
	return true
}

// emptyAnnotations empties the variables from annotations in the pod of a request: some
// virtual kubelets do it (docs/contract.md, ENV-7).
func emptyAnnotations(pod, sent *corev1.Pod) {
	for i, variable := range pod.Spec.Containers[0].Env {
		if from := variable.ValueFrom; from != nil && from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.annotations['note']" {
			sent.Spec.Containers[0].Env[i].Value = ""
		}
	}
}

type fieldGenerator struct {
	generator
	skip bool
}

// pod returns a pod with two containers; the first has variables.
func (g fieldGenerator) pod() *corev1.Pod {
	pod := podOf("main")
	pod.Labels = map[string]string{"tier": "front"}
	pod.Annotations = map[string]string{"note": g.text()}
	quantity := func(texts ...string) resource.Quantity { return resource.MustParse(texts[g.IntN(len(texts))]) }
	for _, name := range []string{"main", "side"} {
		c := corev1.Container{Name: name, Image: "busybox"}
		c.Resources.Limits = corev1.ResourceList{"cpu": quantity("500m", "2", "1500m"), "memory": quantity("1Gi", "1500M", "64Mi", "100000")}
		if g.IntN(2) == 0 {
			c.Resources.Requests = corev1.ResourceList{"memory": quantity("32Mi", "1k")}
		}
		pod.Spec.Containers = append(pod.Spec.Containers[:len(pod.Spec.Containers):len(pod.Spec.Containers)], c)
	}
	pod.Spec.Containers = pod.Spec.Containers[1:]
	c := &pod.Spec.Containers[0]
	for i := range 8 {
		variable := corev1.EnvVar{Name: "V" + strconv.Itoa(i)}
		switch g.IntN(3) {
		case 0:
			other := g.IntN(8)
			if !g.skip { // variables arrive in random order, so one that comes later looks like others
				other = g.IntN(i + 1)
			}
			variable.Value = fmt.Sprintf("%d:$(V%d)", i, other)
		case 1:
			variable.ValueFrom = &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: g.path()}}
		case 2:
			resources, divisors := []string{"limits.cpu", "limits.memory", "requests.memory"}, map[string][]string{
				"limits.cpu": {"0", "1", "1m"}, "limits.memory": {"0", "1", "1Mi"}, "requests.memory": {"0", "1", "1Ki"},
			}
			name := resources[g.IntN(len(resources))]
			variable.ValueFrom = &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{
				ContainerName: []string{"", "main", "side"}[g.IntN(3)], Resource: name, Divisor: resource.MustParse(divisors[name][g.IntN(3)]),
			}}
		}
		c.Env = append(c.Env, variable)
	}
	return pod
}

// path returns a field that the virtual kubelet sends a pod with.
func (g fieldGenerator) path() string {
	paths := []string{
		"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['tier']", "metadata.labels['none']",
		"metadata.annotations['note']", "metadata.annotations['none']", "spec.nodeName", "spec.serviceAccountName",
		"status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs",
	}
	if !g.skip {
		paths = paths[:9]
	}
	return paths[g.IntN(len(paths))]
}
