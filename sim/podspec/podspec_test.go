package podspec_test

import (
	"cmp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

func podOf(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(text), pod); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return pod
}

func specOf(t *testing.T, text string) *corev1.PodSpec {
	t.Helper()
	spec := &corev1.PodSpec{}
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return spec
}

func TestField(t *testing.T) {
	pod := podOf(t, `
metadata: {name: p, namespace: ns, uid: u, labels: {x: z, a: 'q"'}, annotations: {example.org/Note: "1"}}
spec: {nodeName: worker, serviceAccountName: sa}
status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}], hostIP: 10.1.0.1, hostIPs: [{ip: 10.1.0.1}]}
`)
	for path, want := range map[string]string{
		"metadata.name":                            "p",
		"metadata.namespace":                       "ns",
		"metadata.uid":                             "u",
		"metadata.labels":                          "a=\"q\\\"\"\nx=\"z\"",
		"metadata.annotations":                     `example.org/Note="1"`,
		"metadata.labels['x']":                     "z",
		"metadata.labels['none']":                  "",
		"metadata.annotations['example.org/Note']": "1",
		"spec.nodeName":                            "worker",
		"spec.serviceAccountName":                  "sa",
		"status.podIP":                             "10.0.0.1",
		"status.podIPs":                            "10.0.0.1,fd00::1",
		"status.hostIP":                            "10.1.0.1",
		"status.hostIPs":                           "10.1.0.1",
	} {
		if got, err := podspec.Field(pod, path); err != nil || got != want {
			t.Errorf("Field(%s) = %q, %v; want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"spec.color", "status.phase", "spec['a']", ""} {
		if got, err := podspec.Field(pod, path); err == nil {
			t.Errorf("Field(%s) = %q; want an error", path, got)
		}
	}
}

func TestKeyOfAFieldPath(t *testing.T) {
	for _, test := range []struct{ path, label, annotation string }{
		{"metadata.labels['a/b']", "a/b", ""},
		{"metadata.annotations['a.b/c']", "", "a.b/c"},
		{"metadata.labels", "", ""},
		{"metadata.annotations[a]", "", ""},
	} {
		if got, ok := podspec.LabelKey(test.path); got != test.label || ok != (got != "") {
			t.Errorf("LabelKey(%s) = %q, %t; want %q", test.path, got, ok, test.label)
		}
		if got, ok := podspec.AnnotationKey(test.path); got != test.annotation || ok != (got != "") {
			t.Errorf("AnnotationKey(%s) = %q, %t; want %q", test.path, got, ok, test.annotation)
		}
	}
}

func TestResource(t *testing.T) {
	pod := podOf(t, `
spec:
  initContainers: [{name: early, resources: {requests: {memory: 1Gi}}}]
  containers: [{name: main, resources: {limits: {cpu: 1500m, memory: 3Mi, hugepages-2Mi: 4Mi}, requests: {cpu: 100m, ephemeral-storage: 1G}}}]
`)
	for _, test := range []struct{ ref, want, err string }{
		{"{resource: limits.cpu}", "2", ""},
		{"{resource: limits.cpu, divisor: 1m}", "1500", ""},
		{"{resource: limits.memory}", "3145728", ""},
		{"{resource: limits.memory, divisor: 2Mi}", "2", ""},
		{"{resource: limits.hugepages-2Mi, divisor: 1Mi}", "4", ""},
		{"{resource: requests.ephemeral-storage, divisor: 1M}", "1000", ""},
		{"{resource: requests.memory}", "0", ""},
		{"{resource: requests.memory, containerName: early, divisor: 1Gi}", "1", ""},
		{"{resource: limits.ephemeral-storage}", "", "container main does not set limits.ephemeral-storage"},
		{"{resource: requests.memory, containerName: none}", "", "no container none"},
		{"{resource: requests.color}", "", "requests.color"},
	} {
		var ref corev1.ResourceFieldSelector
		if err := yaml.UnmarshalStrict([]byte(test.ref), &ref); err != nil {
			t.Fatal(err)
		}
		got, err := podspec.Resource(pod, podspec.Container(pod, "main"), &ref)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("Resource(%s) = %q, %v; want %q, error %q", test.ref, got, err, test.want, test.err)
		}
	}
}

func TestExpandAndMissingVariable(t *testing.T) {
	values := map[string]string{"A": "x", "EMPTY": ""}
	for _, test := range []struct{ text, want, missing string }{
		{"", "", ""},
		{"$(A)-$(A)", "x-x", ""},
		{"$(NONE)/$(EMPTY)", "$(NONE)/", "NONE"},
		{"$(EMPTY)", "", "EMPTY"},
		{"$$(A)", "$(A)", ""},
		{"$$(NONE)", "$(NONE)", ""},
		{"$$$(A)$", "$x$", ""},
		{"$$$$(A)", "$$(A)", ""},
		{"$A ${A} $(A", "$A ${A} $(A", ""},
	} {
		if got := podspec.Expand(test.text, values); got != test.want {
			t.Errorf("Expand(%s) = %q; want %q", test.text, got, test.want)
		}
		if got := podspec.MissingVariable(test.text, values); got != test.missing {
			t.Errorf("MissingVariable(%s) = %q; want %q", test.text, got, test.missing)
		}
	}
}

func TestRestarts(t *testing.T) {
	for _, test := range []struct {
		name, spec  string
		exitCode    int32
		kubelet     bool
		statusTaken bool
	}{
		{"Always, success", "{restartPolicy: Always, containers: [{name: c}]}", 0, true, true},
		{"OnFailure, success", "{restartPolicy: OnFailure, containers: [{name: c}]}", 0, false, false},
		{"OnFailure, failure", "{restartPolicy: OnFailure, containers: [{name: c}]}", 2, true, true},
		{"Never, failure", "{restartPolicy: Never, containers: [{name: c}]}", 2, false, false},
		{"the container's policy comes first", "{restartPolicy: Never, containers: [{name: c, restartPolicy: Always}]}", 0, true, true},
		{"init container, Always, success", "{restartPolicy: Always, initContainers: [{name: c}]}", 0, false, true},
		{"init container, Always, failure", "{restartPolicy: Always, initContainers: [{name: c}]}", 1, true, true},
		{"init container, Never, failure", "{restartPolicy: Never, initContainers: [{name: c}]}", 1, false, false},
		{"sidecar, success", "{restartPolicy: Never, initContainers: [{name: c, restartPolicy: Always}]}", 0, true, true},
		{"rule In, match", "{restartPolicy: Never, containers: [{name: c, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [3, 4]}}]}]}", 4, true, true},
		{"rule In, no match", "{restartPolicy: Never, containers: [{name: c, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [3, 4]}}]}]}", 5, false, false},
		{"rule NotIn, match", "{restartPolicy: Never, containers: [{name: c, restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [3]}}]}]}", 5, true, true},
		{"rule NotIn, no match", "{restartPolicy: Never, containers: [{name: c, restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [3]}}]}]}", 3, false, false},
		{"no such container", "{restartPolicy: Always, containers: [{name: other}]}", 0, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: *specOf(t, test.spec)}
			if got := podspec.Restarts(pod, "c", test.exitCode); got != test.kubelet {
				t.Errorf("Restarts = %t; want %t", got, test.kubelet)
			}
			if got := podspec.MayRestart(pod, "c", test.exitCode); got != test.statusTaken {
				t.Errorf("MayRestart = %t; want %t", got, test.statusTaken)
			}
		})
	}
}

func TestSetDefaults(t *testing.T) {
	for _, test := range []struct{ name, spec, want string }{
		{"a container", "{containers: [{name: c, image: busybox}]}", restOfDefaults + `
containers: [{name: c, image: busybox, imagePullPolicy: Always, terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File, resources: {}}]`},
		{"nothing that is set changes", `
restartPolicy: Never
dnsPolicy: None
schedulerName: mine
terminationGracePeriodSeconds: 0
securityContext: {fsGroup: 1}
enableServiceLinks: false
containers: [{name: c, image: a, imagePullPolicy: Never, terminationMessagePath: /x, terminationMessagePolicy: FallbackToLogsOnError, resources: {limits: {cpu: 1}, requests: {cpu: 1m}}}]
volumes: [{name: v, configMap: {name: m, defaultMode: 0}}]`, ""},
		{"init containers, resources, ports, fields, probes, hooks", restOfDefaults + `
initContainers:
- name: i
  image: a:1
  resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}
  ports: [{containerPort: 1}]
  env: [{name: E, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
  livenessProbe: {httpGet: {port: 1}}
  readinessProbe: {grpc: {port: 1}}
  lifecycle: {preStop: {httpGet: {port: 1}}}`, restOfDefaults + `
initContainers:
- name: i
  image: a:1
  imagePullPolicy: IfNotPresent
  terminationMessagePath: /dev/termination-log
  terminationMessagePolicy: File
  resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m, memory: 1Gi}}
  ports: [{containerPort: 1, protocol: TCP}]
  env: [{name: E, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}]
  livenessProbe: {timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3, httpGet: {port: 1, path: /, scheme: HTTP}}
  readinessProbe: {timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3, grpc: {port: 1, service: ""}}
  lifecycle: {preStop: {httpGet: {port: 1, path: /, scheme: HTTP}}}`},
		{"volumes", restOfDefaults + `
volumes:
- {name: none}
- {name: map, configMap: {name: m}}
- {name: secret, secret: {secretName: s}}
- {name: host, hostPath: {path: /x}}
- {name: fields, downwardAPI: {items: [{path: p, fieldRef: {fieldPath: metadata.name}}]}}
- {name: all, projected: {sources: [{serviceAccountToken: {path: t}}, {downwardAPI: {items: [{path: p, fieldRef: {fieldPath: metadata.uid}}]}}]}}`, restOfDefaults + `
volumes:
- {name: none, emptyDir: {}}
- {name: map, configMap: {name: m, defaultMode: 0644}}
- {name: secret, secret: {secretName: s, defaultMode: 0644}}
- {name: host, hostPath: {path: /x, type: ""}}
- {name: fields, downwardAPI: {defaultMode: 0644, items: [{path: p, fieldRef: {apiVersion: v1, fieldPath: metadata.name}}]}}
- {name: all, projected: {defaultMode: 0644, sources: [{serviceAccountToken: {path: t, expirationSeconds: 3600}}, {downwardAPI: {items: [{path: p, fieldRef: {apiVersion: v1, fieldPath: metadata.uid}}]}}]}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, want := specOf(t, test.spec), specOf(t, cmp.Or(test.want, test.spec))
			podspec.SetDefaults(got)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("defaults differ (-want +got):\n%s", diff)
			}
		})
	}
}

// restOfDefaults holds the fields of a pod spec that have defaults.
const restOfDefaults = `
restartPolicy: Always
dnsPolicy: ClusterFirst
schedulerName: default-scheduler
terminationGracePeriodSeconds: 30
securityContext: {}
enableServiceLinks: true`

func TestPullPolicyOfAnImage(t *testing.T) {
	for image, want := range map[string]corev1.PullPolicy{
		"busybox":                      corev1.PullAlways,
		"busybox:latest":               corev1.PullAlways,
		"busybox:1":                    corev1.PullIfNotPresent,
		"registry.example.org:5000/a":  corev1.PullAlways,
		"registry.example.org:5000/a:": corev1.PullIfNotPresent,
		"a@sha256:0123":                corev1.PullIfNotPresent,
	} {
		spec := corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}
		podspec.SetDefaults(&spec)
		if got := spec.Containers[0].ImagePullPolicy; got != want {
			t.Errorf("%s: %s; want %s", image, got, want)
		}
	}
}
