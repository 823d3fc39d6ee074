package node

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// update applies those changes of a pod that the scheduler or a kubelet reacts to: the
// end of the last scheduling gate, an earlier deadline, and annotations in a mounted
// volume. It reports whether there are any.
func (p *podState) update(now time.Time, object *corev1.Pod) bool {
	oldAnnotations := p.object.Annotations
	p.object.Labels, p.object.Annotations = maps.Clone(object.Labels), maps.Clone(object.Annotations)
	changed := false
	if p.gated() {
		if p.object.Spec.SchedulingGates = object.Spec.SchedulingGates; !p.gated() && p.finalPhase == "" {
			p.queue(now)
			changed = true
		}
	}
	if seconds := object.Spec.ActiveDeadlineSeconds; seconds != nil && (p.object.Spec.ActiveDeadlineSeconds == nil || *seconds != *p.object.Spec.ActiveDeadlineSeconds) {
		p.object.Spec.ActiveDeadlineSeconds = seconds
		changed = true
	}
	for _, c := range p.mains {
		if !c.stopRequested && p.mountsNewAnnotation(c, oldAnnotations) {
			c.requestStop(now)
			changed = true
		}
	}
	return changed
}

// deadline returns when the pod's activeDeadlineSeconds are over, zero if the pod has
// none, has no node, or has ended.
func (p *podState) deadline() time.Time {
	seconds := p.object.Spec.ActiveDeadlineSeconds
	if seconds == nil || p.startTime == nil || p.stopped() || p.ended() {
		return time.Time{}
	}
	return p.startTime.Add(time.Duration(*seconds) * time.Second)
}

// mountsNewAnnotation reports whether a container mounts a file with an annotation
// that the pod did not have before. The simulated container waits for such a file and
// then ends. An annotation that was there at the start has no such effect.
func (p *podState) mountsNewAnnotation(c *container, oldAnnotations map[string]string) bool {
	for _, mount := range c.spec.VolumeMounts {
		for _, volume := range p.object.Spec.Volumes {
			if volume.Name != mount.Name || volume.DownwardAPI == nil {
				continue
			}
			for _, file := range volume.DownwardAPI.Items {
				if annotationOf(file, p.object.Annotations) != "" && annotationOf(file, oldAnnotations) == "" {
					return true
				}
			}
		}
	}
	return false
}

// annotationOf returns the value of the annotation that a file holds, "" if the file
// holds something else.
func annotationOf(file corev1.DownwardAPIVolumeFile, annotations map[string]string) string {
	if file.FieldRef == nil {
		return ""
	}
	key, ok := podspec.AnnotationKey(file.FieldRef.FieldPath)
	if !ok {
		return ""
	}
	return annotations[key]
}
