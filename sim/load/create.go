package load

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// configMapName is the name of the ConfigMap that all pods mount.
const configMapName = "load"

// configMap is what all pods mount.
var configMap = interlink.Objects{ConfigMaps: []corev1.ConfigMap{{
	ObjectMeta: metav1.ObjectMeta{Name: configMapName}, Data: map[string]string{"greeting": "hello"},
}}}

func podName(i int) string { return fmt.Sprintf("load-%d", i) }

// newPod returns a pod that ends after a second and has a ConfigMap, so that the plugin
// must create a second object for it.
func newPod(i int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: podName(i)},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
				ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMapName}},
			}}},
			Containers: []corev1.Container{{
				Name: "main", Image: "busybox:1.37", Command: []string{"sleep", "1"},
				VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/config"}},
			}},
		},
	}
}

// create sends the creates, until all are sent or ctx ends.
func (l *loadTest) create(ctx context.Context) {
	limiter := rate.NewLimiter(rate.Inf, 1)
	if l.options.Rate > 0 {
		limiter.SetLimit(rate.Limit(l.options.Rate))
	}
	var group errgroup.Group
	group.SetLimit(l.options.Concurrency)
	for i := range l.options.Pods {
		if limiter.Wait(ctx) != nil {
			break // ctx ended
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			pod := newPod(l.first + i)
			l.mu.Lock()
			l.sent[pod.Name] = true
			l.mu.Unlock()
			err := l.kubelet.Create(ctx, pod)
			switch {
			case err == nil:
				l.mu.Lock()
				l.shown[pod.Name] = time.Now()
				l.mu.Unlock()
			case ctx.Err() == nil:
				l.countError(callCreate, pod.Name, err)
			}
			return nil
		})
	}
	_ = group.Wait() // no function of the group returns an error
}
