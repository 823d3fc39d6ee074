package translate_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/placement"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The namespaces permit what the site permits, and say for which option they are weaker than
// the standard of the pods.
func TestNamespaceSecurityPermitsVolumes(t *testing.T) {
	hostPaths, nfs := []config.HostPath{{Path: "/cvmfs"}}, []config.NFSExport{{Server: "nfs.example.org", Path: "/export"}}
	for _, test := range []struct {
		offloading config.Offloading
		mesh       bool
		want, why  string
	}{
		{config.Offloading{PodSecurity: config.PodSecurityBaseline}, false, "baseline", ""},
		{config.Offloading{PodSecurity: config.PodSecurityBaseline}, true, "privileged", "[mesh] enabled"},
		{config.Offloading{PodSecurity: config.PodSecurityBaseline, HostPaths: hostPaths, NFS: nfs}, false, "privileged", "[offloading] host_paths"},
		{config.Offloading{PodSecurity: config.PodSecurityRestricted, HostPaths: hostPaths}, false, "privileged", "[offloading] host_paths"},
		{config.Offloading{PodSecurity: config.PodSecurityRestricted, NFS: nfs}, false, "baseline", "[offloading] nfs"},
		{config.Offloading{PodSecurity: config.PodSecurityBaseline, NFS: nfs}, false, "baseline", ""},
		{config.Offloading{PodSecurity: config.PodSecurityPrivileged, HostPaths: hostPaths}, true, "privileged", ""},
		{config.Offloading{HostPaths: hostPaths}, true, "", ""},
	} {
		options := translate.Options{Offloading: test.offloading, Mesh: mesh.Options{Enabled: test.mesh}}
		if got, why := string(options.NamespaceSecurity()), options.WhyNamespaceSecurity(); got != test.want || why != test.why {
			t.Errorf("%+v with a mesh %v: %q because of %q, want %q because of %q", test.offloading, test.mesh, got, why, test.want, test.why)
		}
	}
}

// A volume that the site permits is no violation of a Pod Security Standard; another one is.
func TestPermittedVolumesAreNotJudged(t *testing.T) {
	request := &wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "demo", UID: "92030190-ca03-4864-a97c-dabccaa67f8e"},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{
				{Name: "cvmfs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/cvmfs"}}},
				{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
			Containers: []corev1.Container{{Name: "main", Image: "busybox", VolumeMounts: []corev1.VolumeMount{{Name: "cvmfs", MountPath: "/cvmfs"}, {Name: "data", MountPath: "/data"}}}},
		},
	}}
	options := translate.Options{Scope: scope.Scope{Prefix: "offloading"}, Offloading: config.Offloading{HostPaths: []config.HostPath{{Path: "/cvmfs"}}}}
	objects, err := translate.ToObjects(request, options)
	if err != nil {
		t.Fatal(err)
	}
	has := func(pod *corev1.Pod, name string) bool {
		return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
	}
	if !has(objects.Pod, "cvmfs") || has(objects.Judged, "cvmfs") || !has(objects.Judged, "data") {
		t.Errorf("the pod has the volumes %v; those of %v are judged", objects.Pod.Spec.Volumes, objects.Judged.Spec.Volumes)
	}
	if err := policy.Judge(objects.Judged, &request.Pod, policy.Options{}); err != nil {
		t.Error(err)
	}
	if err := policy.Judge(objects.Pod, &request.Pod, policy.Options{}); err == nil {
		t.Error("the standard permits the volume of any pod, so that the test checks nothing")
	}
}

// The configuration and the placement know the same fields.
func TestPlacementFields(t *testing.T) {
	if !slices.Equal(config.PlacementFields, placement.Fields) {
		t.Errorf("the configuration knows %q, the placement %q", config.PlacementFields, placement.Fields)
	}
}
