package inspect_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestEnv(t *testing.T) {
	for _, test := range []struct {
		name, container string
		want            map[string]string
		errorText       string
	}{
		{"plain value", "env: [{name: A, value: x}]", map[string]string{"A": "x"}, ""},
		{"earlier variables", "env: [{name: A, value: x}, {name: B, value: $(A)-$(C)-$$(A)-$(A}, {name: C, value: c}]", map[string]string{"A": "x", "B": "x-$(C)-$(A)-$(A", "C": "c"}, ""},
		{"envFrom, overridden by env", "env: [{name: b, value: mine}]\n    envFrom: [{configMapRef: {name: o}}, {prefix: S_, secretRef: {name: o}}]", map[string]string{"a": "1", "b": "mine", "S_k": "s3"}, ""},
		{"keys of objects", "env: [{name: A, valueFrom: {configMapKeyRef: {name: o, key: a}}}, {name: K, valueFrom: {secretKeyRef: {name: o, key: k}}}]", map[string]string{"A": "1", "K": "s3"}, ""},
		{"missing Secret", "envFrom: [{secretRef: {name: none}}]", nil, "no Secret none"},
		{"missing ConfigMap", "envFrom: [{configMapRef: {name: none}}]", nil, "no ConfigMap none"},
		{"missing key", "env: [{name: A, valueFrom: {secretKeyRef: {name: o, key: none}}}]", nil, "variable A: the remote cluster has no Secret o with key none"},
		{"optional sources", "env: [{name: A, valueFrom: {configMapKeyRef: {name: o, key: none, optional: true}}}]\n    envFrom: [{secretRef: {name: none, optional: true}}]", map[string]string{}, ""},
		{"fields", `env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: L, valueFrom: {fieldRef: {fieldPath: "metadata.labels['x']"}}}, {name: S, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}]`, map[string]string{"NAME": "p", "L": "z", "S": "sa"}, ""},
		{"unknown field", "env: [{name: N, valueFrom: {fieldRef: {fieldPath: spec.color}}}]", nil, "spec.color"},
		{"resources", "resources: {limits: {cpu: 1500m, memory: 3Mi}, requests: {cpu: 100m}}\n    env: [{name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}, {name: R, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1m}}}, {name: M, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}]", map[string]string{"C": "2", "R": "100", "M": "3"}, ""},
		{"limit that is not set", "env: [{name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]", nil, "limits.cpu"},
		{"request that is not set", "env: [{name: C, valueFrom: {resourceFieldRef: {resource: requests.cpu}}}]", map[string]string{"C": "0"}, ""},
		{"unknown source", "env: [{name: C, valueFrom: {fileKeyRef: {volumeName: v, path: p, key: k}}}]", nil, "variable C: the simulator does not know"},
		{"addresses", "env: [{name: P, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}, {name: H, valueFrom: {fieldRef: {fieldPath: status.hostIPs}}}, {name: O, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: I, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}, {name: W, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]", map[string]string{"P": "10.0.0.1,fd00::1", "H": "10.1.0.1", "O": "10.0.0.1", "I": "10.1.0.1", "W": "worker"}, ""},
		{"annotation, UID and missing label", `env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['an']"}}}, {name: U, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}, {name: E, valueFrom: {fieldRef: {fieldPath: "metadata.labels['none']"}}}]`, map[string]string{"A": "note", "U": "u", "E": ""}, ""},
		{"later envFrom overrides an earlier one", "envFrom: [{configMapRef: {name: o}}, {prefix: a, configMapRef: {name: o}}, {configMapRef: {name: late}}]", map[string]string{"a": "late", "b": "2", "aa": "1", "ab": "2"}, ""},
		{"escaped references", "env: [{name: A, value: x}, {name: B, value: $$$(A)$}, {name: C, value: $$$$(A)}, {name: D, value: $()$(A $(A)}]", map[string]string{"A": "x", "B": "$x$", "C": "$$(A)", "D": "$()$(A $(A)"}, ""},
		{"missing optional key keeps an earlier value", "envFrom: [{configMapRef: {name: o}}]\n    env: [{name: a, valueFrom: {secretKeyRef: {name: none, key: k, optional: true}}}]", map[string]string{"a": "1", "b": "2"}, ""},
		{"references to variables of envFrom", "envFrom: [{configMapRef: {name: late}}]\n    env: [{name: B, value: $(a)}]", map[string]string{"a": "late", "B": "late"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := newSnapshot().Env(parsePod(t, "  containers:\n  - name: main\n    "+test.container+"\n"), "main")
			checkResult(t, test.want, got, err, test.errorText)
		})
	}
	if _, err := newSnapshot().Env(&corev1.Pod{}, "none"); err == nil {
		t.Error("Env returns no error for a container that does not exist")
	}
}
