package manifests

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// ruleOptions are the options of a site that uses both examples.
func ruleOptions(t *testing.T) translate.Options {
	t.Helper()
	cfg := config.Defaults()
	cfg.Offloading.Claims, cfg.Offloading.Placement = "claims.yaml", "placement.yaml"
	options, err := plugin.ReadTranslateOptions(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return options
}

func objectsOf(t *testing.T, pod corev1.Pod) *translate.Objects {
	t.Helper()
	pod.Name, pod.UID = "pod", "92030190-ca03-4864-a97c-dabccaa67f8e"
	objects, err := translate.ToObjects(&wire.CreateRequest{Pod: pod}, ruleOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// The claims of engines become what the comments of the example say, without an annotation.
func TestExampleClaimRules(t *testing.T) {
	for _, test := range []struct {
		namespace, volume, claim, subPath string
		remote, remoteSubPath             string
		readOnly, created                 bool
	}{
		{"reana", "reana-shared-volume", "reana-shared-persistent-volume", "users/1/workflows/w1", "reana-shared", "reana/users/1/workflows/w1", false, false},
		{"reana", "cvmfs", "reana-cvmfs", "", "cvmfs", "", true, false},
		{"harvester", "atlas", "cvmfs-atlas", "", "cvmfs", "", true, false},
		{"jhub", "volume-alice", "claim-alice", "", "claim-alice", "", false, true},
		{"data", "data", "data-db-1", "", "data-db-1", "", false, true},
		{"nf", "vol-1", "nextflow-work", "runs", "work-nf", "runs", false, true},
	} {
		objects := objectsOf(t, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: test.namespace},
			Spec: corev1.PodSpec{
				Volumes: []corev1.Volume{{Name: test.volume, VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: test.claim}}}},
				Containers: []corev1.Container{{Name: "main", Image: "busybox", VolumeMounts: []corev1.VolumeMount{{Name: test.volume, MountPath: "/v", SubPath: test.subPath}}}},
			},
		})
		claim, mount := objects.Claims[0], objects.Pod.Spec.Containers[0].VolumeMounts[0]
		if claim.Name != test.remote || (claim.Object != nil) != test.created || mount.SubPath != test.remoteSubPath || mount.ReadOnly != test.readOnly {
			t.Errorf("%+v: the claim is %+v, the mount %+v", test, claim, mount)
		}
	}
}

// Pods with GPUs run where the comments of the example say, and a pod without one anywhere.
func TestExamplePlacementRules(t *testing.T) {
	for _, test := range []struct {
		namespace string
		labels    map[string]string
		selector  map[string]string
		resource  corev1.ResourceName
		class     string
		keys      []string
		account   string
	}{
		{"gpu", nil, nil, "nvidia.com/mig-1g.5gb", "nvidia", []string{"nvidia.com/mig.strategy"}, ""},
		{"gpu", nil, map[string]string{"gpu": "large"}, "nvidia.com/gpu", "nvidia", []string{"nvidia.com/gpu.product"}, ""},
		{"gpu", nil, nil, "nvidia.com/gpu", "nvidia", []string{"nvidia.com/gpu.present"}, ""},
		{"gpu", nil, nil, "cpu", "", nil, ""},
		{"ci-1", map[string]string{"app.kubernetes.io/managed-by": "tekton-pipelines"}, nil, "cpu", "", nil, "builds"},
	} {
		spec := objectsOf(t, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: test.namespace, Labels: test.labels},
			Spec: corev1.PodSpec{NodeSelector: test.selector, Containers: []corev1.Container{{Name: "main", Image: "busybox",
				Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{test.resource: resource.MustParse("1")}}}}},
		}).Pod.Spec
		class := ""
		if spec.RuntimeClassName != nil {
			class = *spec.RuntimeClassName
		}
		var keys []string
		for key := range spec.NodeSelector {
			keys = append(keys, key)
		}
		if class != test.class || !slices.Equal(keys, test.keys) || spec.ServiceAccountName != test.account {
			t.Errorf("%+v: class %q, node selector %v, service account %q", test, class, spec.NodeSelector, spec.ServiceAccountName)
		}
	}
}
