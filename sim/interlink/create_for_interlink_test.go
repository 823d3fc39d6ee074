package interlink_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/interlinkapi"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// The real virtual kubelet sent this body to the InterLink API server.
func TestCreateForInterLinkIsAsRecorded(t *testing.T) {
	const name = "virtual-kubelet/01-create"
	var recorded interlink.CreateBodyForInterLink
	testkit.ReadWire(t, name+".request.json", &recorded)
	objects := interlink.AdmitObjects(interlink.Objects{ConfigMaps: recorded.ConfigMaps, Secrets: recorded.Secrets}, interlink.Options{})
	manifest := testkit.AppliedManifest(t, &recorded.Pod)
	body, err := interlink.CreateForInterLink(interlink.Admit(manifest, recordedOptions), objects, recordedOptions)
	if err != nil {
		t.Fatal(err)
	}
	if recorded.Pod.Status.ContainerStatuses == nil {
		body.Pod.Status.ContainerStatuses = nil // set at the same time as the create is sent, sometimes too late
	}
	compare(t, name, body)
}

// What the InterLink API server makes of the body is what plugins have received.
func TestCreateForInterLinkBecomesTheRecordedRequest(t *testing.T) {
	for _, name := range []string{
		"04-create-plain", "05-create-volumes", "06-create-env-resolved", "08-create-multi", "09-create-longname",
		"11-create-mesh", "12-create-mesh-user-preexec", "14-create-wstunnel", "18-create-tcp",
	} {
		t.Run(name, func(t *testing.T) {
			var recorded wire.CreateRequest
			testkit.ReadWire(t, name+".request.json", &recorded)
			options := recordedOptions
			options.PodIP = recorded.Pod.Status.PodIP
			manifest := testkit.AppliedManifest(t, &recorded.Pod)
			sent, err := interlink.CreateForInterLink(interlink.Admit(manifest, options), recordedObjects(t), options)
			if err != nil {
				t.Fatal(err)
			}
			if recorded.Pod.Status.ContainerStatuses == nil {
				sent.Pod.Status.ContainerStatuses = nil // InterLink sets them at the same time as it sends the create
			}
			text, err := json.Marshal(sent)
			if err != nil {
				t.Fatal(err)
			}
			if text, err = interlinkapi.CreateForPlugin(text); err != nil {
				t.Fatal(err)
			}
			var received, want map[string]any
			if err := json.Unmarshal(text, &received); err != nil {
				t.Fatal(err)
			}
			testkit.ReadWire(t, name+".request.json", &want)
			delete(want, "jobConfig") // from the configuration of the InterLink API server
			if diff := cmp.Diff(testkit.NormalizeRequest(t, want), testkit.NormalizeRequest(t, received)); diff != "" {
				t.Errorf("the body differs from the recorded one (-recorded +got):\n%s", diff)
			}
		})
	}
}

// Objects are sent by volume and not by mount: once, in the order of the volumes, and also
// if no container mounts them. Lists without an object are null.
func TestCreateForInterLinkHasEachVolumeOnce(t *testing.T) {
	pod := podOf("p", "a", "b")
	configMap := func(volume, name string) corev1.Volume {
		return corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: refTo(name)}}}
	}
	pod.Spec.AutomountServiceAccountToken = new(bool)
	pod.Spec.Volumes = []corev1.Volume{configMap("v", "second"), configMap("w", "first"), configMap("x", "second")}
	mounts := []corev1.VolumeMount{{Name: "w", MountPath: "/w"}, {Name: "w", MountPath: "/v", SubPath: "k"}}
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].VolumeMounts = mounts
	}
	var objects interlink.Objects
	for _, name := range []string{"first", "second"} {
		var object corev1.ConfigMap
		object.Name = name
		objects.ConfigMaps = append(objects.ConfigMaps, object)
	}
	options := interlink.Options{}
	body, err := interlink.CreateForInterLink(interlink.Admit(pod, options), interlink.AdmitObjects(objects, options), options)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range body.ConfigMaps {
		names = append(names, object.Name)
	}
	if diff := cmp.Diff([]string{"second", "first", "second"}, names); diff != "" {
		t.Errorf("ConfigMaps (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(text, &sent); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"secrets", "projectedvolumesmaps"} {
		if string(sent[key]) != "null" {
			t.Errorf("%s is %s; want null", key, sent[key])
		}
	}
	if string(sent["jobscriptURL"]) != `""` || len(sent) != 5 {
		t.Errorf("the body is %s", text)
	}
}
