package lifecycle

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Logs opens the log of one container; the caller closes it, and it ends with
// ctx. An error is of kind NotFound (no such pod), Invalid (no such container,
// or it has not started) or Unavailable.
func (l *Lifecycle) Logs(ctx context.Context, request wire.LogRequest) (io.ReadCloser, error) {
	pod, err := l.remotePod(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: request.Namespace, Name: request.PodName, UID: types.UID(request.PodUID),
	}})
	if err != nil {
		return nil, err
	}
	if pod == nil {
		return nil, errdefs.New(errdefs.NotFound, "pod %s/%s is not in the remote cluster", request.Namespace, request.PodName)
	}
	options := logOptions(request.Opts)
	options.Container = request.ContainerName
	if options.Container == "" {
		options.Container = defaultContainer(pod)
	}
	stream, err := l.cluster.Logs(ctx, pod.Namespace, pod.Name, options)
	if err != nil {
		return nil, fmt.Errorf("logs of pod %s/%s: %w", request.Namespace, request.PodName, err)
	}
	return stream, nil
}

// logOptions says InterLink's options in the API's words: there, unset is nil,
// and only one limit on age is permitted, of which the exact time is kept.
func logOptions(opts wire.LogOpts) *corev1.PodLogOptions {
	options := &corev1.PodLogOptions{
		Follow:     opts.Follow,
		Previous:   opts.Previous,
		Timestamps: opts.Timestamps,
	}
	if opts.Tail > 0 {
		options.TailLines = ptr.To(opts.Tail)
	}
	if opts.Bytes > 0 {
		options.LimitBytes = ptr.To(opts.Bytes)
	}
	switch {
	case !opts.SinceTime.IsZero():
		options.SinceTime = ptr.To(metav1.NewTime(opts.SinceTime))
	case opts.SinceSeconds > 0:
		options.SinceSeconds = ptr.To(opts.SinceSeconds)
	}
	return options
}

// defaultContainer returns the container that kubectl would choose: the
// annotated one if it is there, else the first.
func defaultContainer(pod *corev1.Pod) string {
	name := pod.Annotations[wire.AnnotationDefaultContainer]
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, c := range containers {
			if c.Name == name {
				return name
			}
		}
	}
	if len(pod.Spec.Containers) == 0 {
		return ""
	}
	return pod.Spec.Containers[0].Name
}
