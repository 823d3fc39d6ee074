package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

// What keeps a pod from being sent hides nothing of what the plugin would say of it.
func TestPodThatIsNotSent(t *testing.T) {
	const pod = `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  nodeName: vnode
  HOSTNETWORK
  containers:
  - name: c
    image: i
    env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
    envFrom: [{configMapRef: {name: none}}]
    volumeMounts: [{name: data, mountPath: /data}, {name: host, mountPath: /host}, {name: none, mountPath: /none}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}, {name: host, hostPath: {path: /}}, {name: none, configMap: {name: none}}]
`
	for _, test := range []struct {
		name, hostNetwork, volumes string
		want                       []string
	}{
		{"refused", "hostNetwork: true", "refuse", []string{"refuse it: volume data (persistentVolumeClaim)", "refuse it: volume host (hostPath)", "refuse it: the remote site accepts only pods"}},
		{"with warnings", "", "drop", []string{"sent: volume data (persistentVolumeClaim)", "sent: volume host (hostPath)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := reportsOf(t, "pod.yaml", []byte(strings.Replace(pod, "HOSTNETWORK", test.hostNetwork, 1)),
				plan.Settings{Environ: append(slices.Clone(environ), "OFFLOADING_UNSUPPORTED_VOLUMES="+test.volumes)})[0]
			if report.Sent || report.Reason == "" || len(report.Refusals)+len(report.Warnings)+len(report.Objects) > 0 || len(report.Hints) != len(test.want) {
				t.Fatalf("report %+v", report)
			}
			for i, want := range test.want {
				if hint := report.Hints[i]; !strings.HasPrefix(hint, "once it is sent") || !strings.Contains(hint, want) {
					t.Errorf("hint %q, want %q", hint, want)
				}
			}
		})
	}
}

// A pod that is refused tells what becomes of the rest.
func TestRestOfARefusedPod(t *testing.T) {
	const pod = `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  nodeName: vnode
  FIELD
  nodeSelector: {disk: ssd}
  containers: [{name: c, image: i, env: [{name: A, value: b}], volumeMounts: [{name: host, mountPath: /host}, {name: tmp, mountPath: /tmp}]}]
  volumes: [{name: host, hostPath: {path: /}}, {name: tmp, emptyDir: {}}]
`
	for _, test := range []struct {
		name, field, volumes string
		parts, warnings      int // of volumes, and of warnings
	}{
		{"a volume", "", "refuse", 2, 1},
		{"the policy", "hostPID: true", "drop", 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := reportsOf(t, "pod.yaml", []byte(strings.Replace(pod, "FIELD", test.field, 1)),
				plan.Settings{Environ: append(slices.Clone(environ), "OFFLOADING_UNSUPPORTED_VOLUMES="+test.volumes)})[0]
			shown := slices.DeleteFunc(slices.Clone(report.Volumes), func(p plan.Part) bool { return strings.HasPrefix(p.Name, "kube-api-access-") })
			if len(report.Refusals) != 1 || len(report.Objects) != 0 || len(shown) != test.parts || len(report.Warnings) != test.warnings || len(report.Variables) != 1 || len(report.Names) == 0 || len(report.Placement) == 0 {
				t.Fatalf("report %+v", report)
			}
			if text := report.Text(); !strings.Contains(text, "# volume host: left out\n") || strings.Count(text, "# warning: ") != test.warnings {
				t.Errorf("the text is\n%s", text)
			}
		})
	}
	report := reportsOf(t, "request.json", goldenRequest(t, "objects-missing.golden"), plan.Settings{})[0]
	if len(report.Refusals) == 0 || len(report.Names) == 0 || len(report.Volumes) > 0 {
		t.Errorf("a pod whose ConfigMap is missing: %+v", report)
	}
}
