package node

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// update takes over what of a pod may change while it runs, and says whether that
// gives the kubelet something to do: a deadline, and annotations that a container
// watches through a volume.
func (p *play) update(now time.Time, pod *corev1.Pod) bool {
	p.pod.Labels, p.pod.Annotations = maps.Clone(pod.Labels), maps.Clone(pod.Annotations)
	changed := false
	if d := pod.Spec.ActiveDeadlineSeconds; d != nil && (p.pod.Spec.ActiveDeadlineSeconds == nil || *d != *p.pod.Spec.ActiveDeadlineSeconds) {
		p.pod.Spec.ActiveDeadlineSeconds = d
		changed = true
	}
	for _, c := range p.mains {
		if !c.asked && c.step == running && p.told(c) {
			c.asked, c.at = true, now.Add(stopTime)
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

// told says whether a container mounts a file with an annotation of the pod, and
// that is there: such a container waits for it, and ends then.
func (p *play) told(c *container) bool {
	for _, mount := range c.spec.VolumeMounts {
		for _, volume := range p.pod.Spec.Volumes {
			if volume.Name == mount.Name && volume.DownwardAPI != nil && slices.ContainsFunc(volume.DownwardAPI.Items, p.annotated) {
				return true
			}
		}
	}
	return false
}

func (p *play) annotated(file corev1.DownwardAPIVolumeFile) bool {
	for name, value := range p.pod.Annotations {
		if file.FieldRef != nil && file.FieldRef.FieldPath == "metadata.annotations['"+name+"']" && value != "" {
			return true
		}
	}
	return false
}
