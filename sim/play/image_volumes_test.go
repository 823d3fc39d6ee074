package play

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// Only where the runtime of each node and the API server can mount images, scenarios with such volumes are
// played on real nodes.
func TestImageVolumesOnRealNodes(t *testing.T) {
	if mountsImages(nil) {
		t.Error("without a client, images are mounted")
	}
	for name, test := range map[string]struct {
		runtimes []string
		keeps    bool // the API server keeps the volume
		want     bool
	}{
		"no nodes":              {nil, true, false},
		"able":                  {[]string{"containerd://2.1.0", "cri-o://1.33.2"}, true, true},
		"built from source":     {[]string{"containerd://2.2.9+unknown"}, true, true},
		"an older node":         {[]string{"containerd://2.1.4", "containerd://1.7.27"}, true, false},
		"an older CRI-O":        {[]string{"cri-o://1.30.9"}, true, false},
		"another runtime":       {[]string{"docker://27.0.0"}, true, false},
		"dropped by the server": {[]string{"containerd://2.1.4"}, false, false},
	} {
		client := fake.NewClientset()
		for _, version := range test.runtimes {
			node := &corev1.Node{}
			node.Name, node.Status.NodeInfo.ContainerRuntimeVersion = version, version
			if err := client.Tracker().Add(node); err != nil {
				t.Fatal(err)
			}
		}
		client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
			create := action.(clienttesting.CreateActionImpl)
			if len(create.CreateOptions.DryRun) == 0 {
				t.Errorf("%s: a pod is created", name)
			}
			pod := create.Object.(*corev1.Pod).DeepCopy()
			if !test.keeps {
				pod.Spec.Volumes = nil
			}
			return true, pod, nil
		})
		if got := mountsImages(client); got != test.want {
			t.Errorf("%s: images are mounted: %v", name, got)
		}
	}
}
