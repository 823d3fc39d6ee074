package interlink_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// recordedOptions are those of the virtual kubelet that was recorded.
var recordedOptions = interlink.Options{VirtualKubelet: scenario.VirtualKubelet{KubernetesAPI: "k8s-api.example.org:6443"}}

// recordedObjects returns the objects that the recorded pods mount, and those from
// which pod 06 takes its variables: InterLink never sends these whole.
func recordedObjects(t *testing.T) interlink.Objects {
	t.Helper()
	var body wire.CreateRequest
	testkit.ReadWire(t, "05-create-volumes.request.json", &body)
	objects := interlink.Objects{
		ConfigMaps: []corev1.ConfigMap{{Data: map[string]string{"MODE": "batch", "LEVEL": "3", "not.an-env": "x"}}},
		Secrets:    []corev1.Secret{{StringData: map[string]string{"API_KEY": "dummy-api-key"}}},
	}
	objects.ConfigMaps[0].Name, objects.ConfigMaps[0].Namespace = "only-env", "demo"
	objects.Secrets[0].Name, objects.Secrets[0].Namespace = "only-env-secret", "demo"
	for _, c := range body.Containers {
		objects.ConfigMaps = append(objects.ConfigMaps, c.ConfigMaps...)
		objects.Secrets = append(objects.Secrets, c.Secrets...)
	}
	return interlink.AdmitObjects(objects, interlink.Options{})
}

// compare compares a body with a recorded one.
func compare(t *testing.T, recording string, body any) {
	t.Helper()
	var recorded any
	testkit.ReadWire(t, recording+".request.json", &recorded)
	if diff := cmp.Diff(testkit.NormalizeRequest(t, recorded), testkit.NormalizeRequest(t, body)); diff != "" {
		t.Errorf("the body differs from the recorded one (-recorded +got):\n%s", diff)
	}
}

func TestCreateRequestIsAsRecorded(t *testing.T) {
	for _, name := range []string{
		"04-create-plain", "05-create-volumes", "06-create-env-resolved", "08-create-multi", "09-create-longname",
		"11-create-mesh", "12-create-mesh-user-preexec", "14-create-wstunnel", "18-create-tcp",
	} {
		t.Run(name, func(t *testing.T) {
			var recorded wire.CreateRequest
			testkit.ReadWire(t, name+".request.json", &recorded)
			options := recordedOptions
			options.PodIP = recorded.Pod.Status.PodIP // with a mesh or tunnel it is the shadow pod's
			manifest := testkit.AppliedManifest(t, &recorded.Pod)
			body, err := interlink.CreateRequest(interlink.Admit(manifest, options), recordedObjects(t), options)
			if err != nil {
				t.Fatal(err)
			}
			if recorded.Pod.Status.ContainerStatuses == nil {
				// InterLink sets them at the same time as it sends the create, sometimes too late.
				body.Pod.Status.ContainerStatuses = nil
			}
			compare(t, name, body)
		})
	}
}

func TestStatusRequestIsAsRecorded(t *testing.T) {
	for _, name := range []string{
		"19-status-first", "24-status-terminated-ok", "25-status-terminated-exit3", "26-status-terminated-oom",
		"27-status-imagepullbackoff", "28-status-crashloop", "30-status-init-running", "31-status-init-sidecar",
		"32-status-init-failed-stuck", "34-status-no-containers", "35-status-unknown-pod",
		"36-status-crashes-vk-1", "37-status-crashes-vk-2", "38-status-crashes-vk-3",
	} {
		t.Run(name, func(t *testing.T) {
			var recorded []corev1.Pod
			testkit.ReadWire(t, name+".request.json", &recorded)
			pod := interlink.Admit(testkit.AppliedManifest(t, &recorded[0]), recordedOptions)
			pod = interlink.WithInitialStatus(pod, recordedOptions)
			compare(t, name, interlink.StatusRequest(pod, recorded[0].Annotations[wire.AnnotationJobID]))
		})
	}
}

func TestLogRequestIsAsRecorded(t *testing.T) {
	for name, opts := range map[string]wire.LogOpts{
		"43-logs-all":                      {},
		"44-logs-tail-timestamps-previous": {Tail: 5, Timestamps: true, Previous: true},
		"45-logs-since-bytes":              {SinceSeconds: 60, Bytes: 100},
		"47-logs-follow":                   {Tail: 10, Follow: true},
		"49-logs-init-container":           {},
	} {
		t.Run(name, func(t *testing.T) {
			var recorded wire.LogRequest
			testkit.ReadWire(t, name+".request.json", &recorded)
			var pod corev1.Pod
			pod.Name, pod.Namespace, pod.UID = recorded.PodName, "demo", "uid"
			body := interlink.LogRequest(&pod, recorded.ContainerName, opts)
			body.PodUID = recorded.PodUID
			compare(t, name, body)
		})
	}
}

func TestPingRequestIsAsRecorded(t *testing.T) {
	compare(t, "01-ping", interlink.PingRequest())
}
