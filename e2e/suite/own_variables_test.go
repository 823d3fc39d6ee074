//go:build e2e

package suite

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// variablesPod returns a pod that prints its variables from fields and resources, and the address that
// its programs can bind.
func variablesPod(name string) *corev1.Pod {
	return shellPod(name, `env; echo "BOUND=$(hostname -i)"`, func(pod *corev1.Pod) {
		pod.Labels, pod.Annotations = map[string]string{"tier": "front"}, map[string]string{"note": "of the user"}
		main := &pod.Spec.Containers[0]
		main.Resources.Limits = corev1.ResourceList{
			corev1.ResourceMemory: resource.MustParse("64Mi"), corev1.ResourceCPU: resource.MustParse("500m"),
		}
		for name, field := range map[string]string{
			"POD_IP": "status.podIP", "HOST_IP": "status.hostIP", "NAME": "metadata.name", "NAMESPACE": "metadata.namespace", "UID": "metadata.uid",
			"TIER": "metadata.labels['tier']", "NOTE": "metadata.annotations['note']", "NODE": "spec.nodeName", "ACCOUNT": "spec.serviceAccountName",
		} {
			main.Env = append(main.Env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: field}}})
		}
		resourceOf := func(name, resource, divisor string) {
			from := &corev1.ResourceFieldSelector{Resource: resource, Divisor: quantity(divisor)}
			main.Env = append(main.Env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: from}})
		}
		resourceOf("MEMORY", "limits.memory", "1")
		resourceOf("MILLIS", "limits.cpu", "1m")
		main.Env = append(main.Env,
			corev1.EnvVar{Name: "URL", Value: "http://$(POD_IP):80/$(TIER)"},
			corev1.EnvVar{Name: "LITERAL", Value: "127.0.0.1"},
		)
	})
}

func quantity(text string) resource.Quantity { return resource.MustParse(text) }

// checkVariables compares what a pod of variablesPod printed with what its user meant: addresses are those
// of the remote pod, everything else is of the local one.
func checkVariables(t *testing.T, log string, local *corev1.Pod, remote corev1.Pod) {
	t.Helper()
	if remote.Status.PodIP == "" || remote.Status.HostIP == "" {
		t.Fatalf("the remote pod has the addresses %q and %q", remote.Status.PodIP, remote.Status.HostIP)
	}
	if warnings := remote.Annotations["interlink.io/warnings"]; warnings != "" {
		t.Errorf("the user is warned: %s", warnings)
	}
	lines := strings.Split(log, "\n")
	for _, want := range []string{
		"POD_IP=" + remote.Status.PodIP, "BOUND=" + remote.Status.PodIP, "HOST_IP=" + remote.Status.HostIP, "URL=http://" + remote.Status.PodIP + ":80/front",
		"NAME=" + local.Name, "NAMESPACE=" + local.Namespace, "UID=" + string(local.UID), "TIER=front", "NOTE=of the user",
		"NODE=" + local.Spec.NodeName, "ACCOUNT=default", "MEMORY=67108864", "MILLIS=500", "LITERAL=127.0.0.1",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("the log has no line %q:\n%s", want, log)
		}
	}
}

// testOwnVariables lets the simulated virtual kubelet replace the variables, on real nodes.
func testOwnVariables(t *testing.T) {
	plugin := startPlugin(t, testEnv.clusterWide)
	// Without the address of the local API server, its status requests would not have the original (ENV-19).
	l := newSimulatedClusterWith(t, plugin.address, interlink.Options{VirtualKubelet: scenario.VirtualKubelet{
		SkipDownwardAPIResolution: true, KubernetesAPI: "192.0.2.10:6443",
	}})
	name := l.create(variablesPod("variables"))
	l.waitForPhase(name, corev1.PodSucceeded)
	checkVariables(t, l.readLog(name, wire.LogOpts{}), l.Pod(name), l.remotePod(name))
}

// chainOwnVariables lets InterLink's virtual kubelet replace the variables. A pod of kubectl apply carries a
// copy of what the user wrote. That of a controller does not: a status request has it.
func chainOwnVariables(u *chainUser) {
	pod := func(name string) *corev1.Pod {
		pod := variablesPod(name)
		pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: chainNode}
		pod.Spec.Tolerations = []corev1.Toleration{{Key: "virtual-node.interlink/no-schedule", Operator: corev1.TolerationOpExists}}
		return pod
	}
	applied := pod("applied")
	applied.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	manifest, err := yaml.Marshal(applied)
	if err != nil {
		u.Fatal(err)
	}
	u.apply(string(manifest))
	if _, err := u.client.CoreV1().Pods(u.name).Create(testEnv.ctx, pod("created"), metav1.CreateOptions{}); err != nil {
		u.Fatal(err)
	}
	for _, name := range []string{"applied", "created"} {
		local := u.waitForPhase(name, corev1.PodSucceeded)
		checkVariables(u.T, u.kubectl("logs", name), local, u.remotePod(name))
		u.kubectl("delete", "pod", name)
	}
	u.waitForNoRemotePods()
}
