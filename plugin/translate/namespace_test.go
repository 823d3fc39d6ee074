package translate_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The API server enforces the standard of the pods in a namespace that the plugin creates,
// but not on what the plugin itself adds to them.
func TestNamespaceSecurity(t *testing.T) {
	request := &wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "demo", UID: "92030190-ca03-4864-a97c-dabccaa67f8e"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}}
	for _, test := range []struct {
		level config.PodSecurity
		mesh  bool
		want  string
	}{
		{config.PodSecurityBaseline, false, "baseline"},
		{config.PodSecurityRestricted, false, "restricted"},
		{config.PodSecurityPrivileged, false, "privileged"},
		{config.PodSecurityBaseline, true, "privileged"},
		{config.PodSecurityRestricted, true, "privileged"},
		{config.PodSecurityPrivileged, true, "privileged"},
	} {
		options := translate.Options{
			Scope:      scope.Scope{Prefix: "offloading"},
			Offloading: config.Offloading{PodSecurity: test.level},
			Mesh:       mesh.Options{Enabled: test.mesh},
		}
		objects, err := translate.ToObjects(request, options)
		if err != nil {
			t.Fatal(err)
		}
		if got := objects.Namespace.Labels["pod-security.kubernetes.io/enforce"]; got != test.want {
			t.Errorf("with the level %s and a mesh %v, the namespace enforces %q, want %q", test.level, test.mesh, got, test.want)
		}
	}
	single := translate.Options{Scope: scope.Scope{Namespace: "remote"}, Offloading: config.Offloading{PodSecurity: config.PodSecurityBaseline}}
	if objects, err := translate.ToObjects(request, single); err != nil || objects.Namespace != nil {
		t.Errorf("in single-namespace mode, the namespace is %v, %v", objects.Namespace, err)
	}
}
