package lifecycle

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The container whose log is meant if a request names none is never the mesh's.
func TestDefaultContainer(t *testing.T) {
	for name, test := range map[string]struct {
		annotations      map[string]string
		init, containers []string
		want             string
	}{
		"the first":                         {nil, nil, []string{"a", "b"}, "a"},
		"the first after the mesh":          {nil, nil, []string{mesh.Container, "a", "b"}, "a"},
		"not an init container":             {nil, []string{"i"}, []string{"a"}, "a"},
		"the one that the pod names":        {map[string]string{wire.AnnotationDefaultContainer: "b"}, nil, []string{"a", "b"}, "b"},
		"an init container that it names":   {map[string]string{wire.AnnotationDefaultContainer: "i"}, []string{mesh.Container, "i"}, []string{"a"}, "i"},
		"not one that does not exist":       {map[string]string{wire.AnnotationDefaultContainer: "c"}, nil, []string{"a", "b"}, "a"},
		"not the mesh, also if it names it": {map[string]string{wire.AnnotationDefaultContainer: mesh.Container}, []string{mesh.Container}, []string{"a"}, "a"},
		"the one that the plugin remembers": {map[string]string{wire.AnnotationDefaultContainer: "a", wire.AnnotationLogContainer: "b"}, nil, []string{"a", "b"}, "b"},
		"none in a pod of only the mesh":    {nil, []string{mesh.Container}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: test.annotations}}
			for _, name := range test.init {
				pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: name})
			}
			for _, name := range test.containers {
				pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name})
			}
			if got := defaultContainer(pod); got != test.want {
				t.Errorf("the container is %q, want %q", got, test.want)
			}
		})
	}
}
