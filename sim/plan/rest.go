package plan

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// describeRest says what becomes of a pod that is refused, without the parts for which it is:
// all at once, the user sees what to change.
func (p *planner) describeRest(report *Report, request *wire.CreateRequest, local *corev1.Pod) {
	options := p.options.Options
	options.UnsupportedVolumes = config.DropVolumes
	objects, err := translate.ToObjects(request, options)
	if err != nil {
		// Something that the pod needs is missing. Of the volumes, nothing is known then.
		report.describe(local, &translate.Objects{Pod: objects.Judged})
		report.Volumes = nil
		return
	}
	report.describe(local, objects)
	for _, warning := range objects.Warnings {
		// A refusal of a volume is its warning, and can say more.
		if !slices.ContainsFunc(report.Refusals, func(refusal string) bool { return strings.HasPrefix(refusal, warning) }) {
			report.Warnings = append(report.Warnings, warning)
		}
	}
}

// onceSent returns hints for a pod that the virtual kubelet does not send: what the plugin
// would say of it otherwise.
func (p *planner) onceSent(admitted *corev1.Pod) ([]string, error) {
	pod := withoutSources(admitted)
	body, err := interlink.CreateRequest(pod, p.objects, p.virtualKubelet)
	if err != nil {
		return nil, nil //nolint:nilerr // it is not known what would be sent
	}
	request, err := received(body)
	if err != nil {
		return nil, err
	}
	request.Original = translate.OriginalVariables(pod)
	var report Report
	if err := p.translate(&report, request, pod); err != nil {
		return nil, err
	}
	var hints []string
	for _, refusal := range report.Refusals {
		hints = append(hints, "once it is sent, the plugin would refuse it: "+refusal)
	}
	for _, warning := range report.Warnings {
		hints = append(hints, "once it is sent: "+warning)
	}
	return hints, nil
}

// withoutSources returns a pod that the virtual kubelet sends: its variables have values, and
// its volumes need no ConfigMap, Secret or field.
func withoutSources(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	for i := range pod.Spec.Volumes {
		if volume := &pod.Spec.Volumes[i]; volume.ConfigMap != nil || volume.Secret != nil || volume.Projected != nil || volume.DownwardAPI != nil {
			volume.VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
		}
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			containers[i].EnvFrom = nil
			for j := range containers[i].Env {
				if variable := &containers[i].Env[j]; variable.ValueFrom != nil {
					*variable = corev1.EnvVar{Name: variable.Name, Value: "known later"}
				}
			}
		}
	}
	return pod
}
