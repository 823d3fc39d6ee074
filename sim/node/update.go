package node

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// update takes over what of a pod may change while it runs, and says whether that
// gives the kubelet something to do: a deadline, and annotations that a container
// watches through a volume.
func (p *play) update(now time.Time, pod *corev1.Pod) bool {
	before := p.pod.Annotations
	p.pod.Labels, p.pod.Annotations = maps.Clone(pod.Labels), maps.Clone(pod.Annotations)
	changed := false
	if d := pod.Spec.ActiveDeadlineSeconds; d != nil && (p.pod.Spec.ActiveDeadlineSeconds == nil || *d != *p.pod.Spec.ActiveDeadlineSeconds) {
		p.pod.Spec.ActiveDeadlineSeconds = d
		changed = true
	}
	for _, c := range p.mains {
		if !c.asked && p.told(c, before) {
			c.ask(now)
			changed = true
		}
	}
	return changed
}

// deadline is when the pod's time is up; zero for never.
func (p *play) deadline() time.Time {
	d := p.pod.Spec.ActiveDeadlineSeconds
	if d == nil || p.startTime == nil || p.over() || p.ended() {
		return time.Time{}
	}
	return p.startTime.Add(time.Duration(*d) * time.Second)
}

// told says whether a container mounts a file with an annotation of the pod that has
// appeared: such a container waits for it, and ends then. One that was there before
// is nothing to wait for.
func (p *play) told(c *container, before map[string]string) bool {
	for _, mount := range c.spec.VolumeMounts {
		for _, volume := range p.pod.Spec.Volumes {
			if volume.Name != mount.Name || volume.DownwardAPI == nil {
				continue
			}
			for _, file := range volume.DownwardAPI.Items {
				if annotation(p.pod.Annotations, file) != "" && annotation(before, file) == "" {
					return true
				}
			}
		}
	}
	return false
}

// annotation is the one that a file holds; "" if there is none or it holds another
// thing.
func annotation(annotations map[string]string, file corev1.DownwardAPIVolumeFile) string {
	if file.FieldRef == nil {
		return ""
	}
	key, ok := podspec.AnnotationKey(file.FieldRef.FieldPath)
	if !ok {
		return ""
	}
	return annotations[key]
}
