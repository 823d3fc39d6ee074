package plan_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// TestVariablesKeepTheirValues checks, for a thousand generated pods, that the virtual
// kubelet, plugin/translate and the remote kubelet together give each variable the value that
// a kubelet gives it in the local cluster: in both modes of the virtual kubelet, and
// whether the configuration gives the mode or the plugin finds it out. Where nothing shows
// the mode, a variable may get another value, but never without a warning.
func TestVariablesKeepTheirValues(t *testing.T) {
	for _, skip := range []bool{false, true} {
		told := config.VariablesResolved
		if skip {
			told = config.VariablesUnresolved
		}
		for _, mode := range []config.VariableMode{told, config.VariablesAuto} {
			t.Run(fmt.Sprintf("skipDownwardAPIResolution=%t,variables=%s", skip, mode), func(t *testing.T) {
				for seed := range uint64(1000) {
					g := generator{rand.New(rand.NewPCG(seed, 7))}
					pod, objects := g.pod()
					if mode == config.VariablesAuto && !skip && seed%2 == 0 {
						g.show(t, pod) // the other pods show nothing
					}
					admitted := interlink.Admit(pod, interlink.Options{})
					local := interlink.AdmitObjects(objects, interlink.Options{})
					want := kubeletValues(admitted, local, &admitted.Spec.Containers[0])
					var vk interlink.Options
					vk.SkipDownwardAPIResolution = skip
					body, err := interlink.CreateRequest(admitted, local, vk)
					if err != nil {
						t.Fatal(err)
					}
					options := translate.Options{Scope: scope.Scope{Instance: "default"}}
					options.Variables = mode
					request := &wire.CreateRequest{Pod: body.Pod, Original: translate.OriginalVariables(admitted)}
					remote, err := translate.ToObjects(request, options)
					if err != nil {
						t.Fatal(err)
					}
					got := kubeletValues(remote.Pod, interlink.Objects{}, &remote.Pod.Spec.Containers[0])
					if diff := cmp.Diff(want, got); diff != "" && (mode == told || skip || len(remote.Warnings) == 0) {
						t.Fatalf("seed %d: values (-local +remote)\n%s\nthe user wrote %+v", seed, diff, pod.Spec.Containers[0])
					}
					if mode == told && len(remote.Warnings) > 0 {
						t.Fatalf("seed %d: warnings %q", seed, remote.Warnings)
					}
				}
			})
		}
	}
}

// kubeletValues returns the variables of a container as a kubelet gives them to it.
func kubeletValues(pod *corev1.Pod, objects interlink.Objects, c *corev1.Container) map[string]string {
	data := map[string]map[string]string{}
	for _, o := range objects.ConfigMaps {
		data[o.Name] = o.Data
	}
	for _, o := range objects.Secrets {
		data[o.Name] = map[string]string{}
		for key, value := range o.Data {
			data[o.Name][key] = string(value)
		}
	}
	values := map[string]string{}
	for _, from := range c.EnvFrom {
		name := ""
		if from.ConfigMapRef != nil {
			name = from.ConfigMapRef.Name
		} else {
			name = from.SecretRef.Name
		}
		for key, value := range data[name] {
			values[from.Prefix+key] = value
		}
	}
	for _, variable := range c.Env {
		from := variable.ValueFrom
		switch {
		case from == nil:
			values[variable.Name] = podspec.Expand(variable.Value, values)
		case from.ConfigMapKeyRef != nil:
			// An optional one of an object that does not exist.
		case from.SecretKeyRef != nil:
			values[variable.Name] = data[from.SecretKeyRef.Name][from.SecretKeyRef.Key]
		case from.FieldRef != nil:
			value, err := podspec.Field(pod, from.FieldRef.FieldPath)
			if err != nil {
				panic(err)
			}
			values[variable.Name] = value
		case from.ResourceFieldRef != nil:
			value, err := podspec.Resource(pod, c, from.ResourceFieldRef)
			if err != nil {
				panic(err)
			}
			values[variable.Name] = value
		}
	}
	return values
}

type generator struct{ *rand.Rand }

// text returns a text with many $ signs, and names of variables.
func (g generator) text() string {
	pieces := []string{"$", "$$", "(", ")", "$(A)", "$(B)", "$(C)", "$(K1)", "$(P_K2)", "$(HOME)", "$$(A)", "$(A", "x", "pa$$word", " "}
	text := ""
	for range g.IntN(6) {
		text += pieces[g.IntN(len(pieces))]
	}
	return text
}

// show adds something to a pod that shows that the virtual kubelet has resolved its
// variables: a variable that is left out, or kubectl's copy of the manifest.
func (g generator) show(t *testing.T, pod *corev1.Pod) {
	c := &pod.Spec.Containers[0]
	if g.IntN(2) == 0 {
		manifest, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		pod.Annotations[wire.AnnotationLastApplied] = string(manifest)
		return
	}
	optional := true
	missing := corev1.EnvVar{Name: "MISSING", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Key: "k", Optional: &optional,
	}}}
	c.Env = slices.Insert(c.Env, g.IntN(len(c.Env)+1), missing)
}

// pod returns a pod with one container, and the objects that it names.
func (g generator) pod() (*corev1.Pod, interlink.Objects) {
	pod := podOf("main")
	pod.Annotations = map[string]string{"note": g.text()}
	c := &pod.Spec.Containers[0]
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		variable := corev1.EnvVar{Name: name}
		switch g.IntN(6) {
		case 0:
			continue
		case 1:
			variable.ValueFrom = &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['note']"}}
		case 2:
			variable.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "sec"}, Key: "K2",
			}}
		default:
			variable.Value = g.text()
		}
		c.Env = append(c.Env, variable)
	}
	if g.IntN(2) == 0 {
		c.EnvFrom = []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cfg"}}},
			{Prefix: "P_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "sec"}}},
		}
	}
	g.Shuffle(len(c.Env), func(i, j int) { c.Env[i], c.Env[j] = c.Env[j], c.Env[i] })
	return pod, interlink.Objects{
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "cfg", Namespace: "demo"}, Data: map[string]string{"K1": g.text()}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "sec", Namespace: "demo"}, StringData: map[string]string{"K1": g.text(), "K2": g.text()}}},
	}
}

func podOf(container string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "demo"}}
	pod.Spec.Containers = []corev1.Container{{Name: container, Image: "busybox"}}
	return pod
}
