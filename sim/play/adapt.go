package play

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// adapt changes a pod so that the plugin of a profile can run it: images and commands
// that it knows, and what it can neither pull nor schedule in place of that of the scenario.
func adapt(pod *corev1.Pod, behavior scenario.Pod, to *profile.Profile) {
	if to == nil {
		return
	}
	if len(to.Annotations) > 0 && pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	maps.Copy(pod.Annotations, to.Annotations)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			adaptContainer(&containers[i], behavior.Containers[containers[i].Name], to)
		}
	}
	if behavior.Unschedulable != "" && len(to.ImpossibleRequest) > 0 && len(pod.Spec.Containers) > 0 {
		resources := corev1.ResourceList{}
		for name, value := range to.ImpossibleRequest {
			resources[corev1.ResourceName(name)] = resource.MustParse(value) // sim/profile checks it
		}
		pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: resources, Limits: resources.DeepCopy()}
	}
}

func adaptContainer(c *corev1.Container, behavior scenario.Container, to *profile.Profile) {
	image, known := to.Images[c.Image]
	if !known {
		image, known = to.Images["*"]
	}
	switch {
	case behavior.ImagePullError != "" && to.MissingImage != "":
		c.Image = to.MissingImage
	case known && behavior.ImagePullError == "":
		c.Image = image
	}
	if len(c.Command) > 0 {
		if beginning, ok := to.Commands[c.Command[0]]; ok {
			c.Command = slices.Concat(beginning, c.Command[1:])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(to.Env)) {
		if !slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name }) {
			c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: to.Env[name]})
		}
	}
}

// comparesAll reports whether the plugin is compared with all that this plugin promises.
func (o Options) comparesAll() bool {
	return o.Plugin == "" || len(o.Levels) == 0 || slices.Contains(o.Levels, scenario.LevelThisPlugin)
}

// declares reports whether the plugin offers a capability. This plugin offers all; so does
// one that is compared with all that this plugin promises.
func (o Options) declares(capability scenario.Capability) bool {
	return o.comparesAll() || o.Profile != nil && slices.Contains(o.Profile.Capabilities, string(capability))
}

// shell is the beginning of a command that a shell runs.
func (o Options) shell() []string {
	if shell := o.profile().Commands["sh"]; len(shell) > 0 {
		return shell
	}
	return []string{"sh"}
}
