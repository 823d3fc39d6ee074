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
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Logs opens the log of one container. The caller closes it; it also ends with ctx. An
// error is of kind NotFound (the pod does not exist), Invalid (the container does not
// exist or has not started) or Unavailable.
func (l *Lifecycle) Logs(ctx context.Context, request wire.LogRequest) (io.ReadCloser, error) {
	l.mentioned(request.PodUID)
	pod, err := l.confirmedPod(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: request.Namespace, Name: request.PodName, UID: types.UID(request.PodUID),
	}})
	if err != nil {
		return nil, err
	}
	if pod == nil {
		return nil, errdefs.New(errdefs.NotFound, "pod %s/%s does not exist in the remote cluster", request.Namespace, request.PodName)
	}
	options := logOptions(request.Opts)
	options.Container = request.ContainerName
	if options.Container == "" {
		options.Container = defaultContainer(pod)
	}
	stream, err := l.cluster.Logs(ctx, pod.Namespace, pod.Name, options)
	if err != nil {
		return nil, fmt.Errorf("read the log of pod %s/%s: %w", request.Namespace, request.PodName, err)
	}
	return stream, nil
}

// logOptions converts InterLink's options to those of the Kubernetes API. There, an
// option that is not set is nil, and only one of SinceTime and SinceSeconds is
// permitted: SinceTime is preferred, because it is exact.
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

// defaultContainer returns the container that kubectl would choose for the local pod, and never
// one that the plugin or the remote cluster has added (docs/contract.md, LOGS-4 and LOGS-9).
// The remote pod of an earlier version does not name it; then it is the one that kubectl would
// choose without the mesh.
func defaultContainer(pod *corev1.Pod) string {
	if name := pod.Annotations[wire.AnnotationLogContainer]; name != "" {
		return name
	}
	name := pod.Annotations[wire.AnnotationDefaultContainer]
	first := ""
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, c := range containers {
			switch {
			case c.Name == mesh.Container:
			case c.Name == name:
				return name
			case first == "":
				first = c.Name
			}
		}
	}
	return first
}
