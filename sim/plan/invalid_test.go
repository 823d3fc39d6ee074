package plan_test

import (
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

// A pod that the local API server refuses never reaches the virtual kubelet.
func TestPodsThatTheAPIServerRefuses(t *testing.T) {
	const mounts = `containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /v}]}]`
	pod := func(spec string) string {
		return `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {` + spec + `}}`
	}
	for _, test := range []struct{ name, text, want string }{
		{"a volume that is missing", pod(mounts), "the local API server refuses it: container c mounts volume v, which the pod does not have"},
		{"a device that is missing", pod(`containers: [{name: c, image: i, volumeDevices: [{name: v, devicePath: /v}]}]`), "the local API server refuses it: container c mounts volume v, which the pod does not have"},
		{"two volumes of one name", pod(`volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}], ` + mounts), "the local API server refuses it: two volumes have the name v"},
		{"a volume", pod(`volumes: [{name: v, emptyDir: {}}], ` + mounts), ""},
		{"a Job", `{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {` + mounts + `}}}}`, "the local API server refuses it: container c mounts volume v, which the pod does not have"},
		{"a controller that can add the volume", `{apiVersion: example.org/v1, kind: Run, metadata: {name: r}, spec: {template: {spec: {` + mounts + `}}}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := reportsOf(t, "a.yaml", []byte(test.text), plan.Settings{})[0]
			if report.Reason != test.want || report.Sent != (test.want == "") || len(report.Objects) > 0 && test.want != "" {
				t.Errorf("sent %v, reason %q; want %q", report.Sent, report.Reason, test.want)
			}
		})
	}
}
