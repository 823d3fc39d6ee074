package translate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// TestGate checks which pods get the scheduling gate: those with a container that could
// start before all objects that the pod owns exist, or without the files of an image. Every request sends the ConfigMap
// "cfg" with the key "a" and the Secret "sec" with the key "b", unless a case says what
// it sends.
func TestGate(t *testing.T) {
	const (
		mounted = `volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}]}]
`
		mesh = "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n#!/bin/bash\nip link add wg0\nEOFMESH\nchmod +x $TMPDIR/mesh.sh\n$TMPDIR/mesh.sh"
	)
	withOptions := func(change func(*translate.Options)) func(*wire.CreateRequest, *translate.Options) {
		return func(_ *wire.CreateRequest, o *translate.Options) { change(o) }
	}
	sends := func(volumes wire.ContainerVolumes) func(*wire.CreateRequest, *translate.Options) {
		return func(r *wire.CreateRequest, _ *translate.Options) { r.Containers = []wire.ContainerVolumes{volumes} }
	}
	annotated := func(name, value string) func(*wire.CreateRequest, *translate.Options) {
		return func(r *wire.CreateRequest, _ *translate.Options) {
			r.Pod.Annotations = map[string]string{name: value}
			r.Containers = nil
		}
	}
	for _, test := range []struct {
		name, spec string
		change     func(*wire.CreateRequest, *translate.Options)
		gated      bool
	}{
		{"nothing carried", `containers: [{name: main}]`, sends(wire.ContainerVolumes{}), false},
		{"all mounted", mounted, nil, false},
		{"mounted by several containers, init and sidecar", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
initContainers: [{name: init, volumeMounts: [{name: c, mountPath: /c}]}, {name: side, restartPolicy: Always, volumeMounts: [{name: s, mountPath: /s}]}]
containers: [{name: main}, {name: other, volumeMounts: [{name: c, mountPath: /c}]}]`, nil, false},
		{"mounted by init containers only", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
initContainers: [{name: init, volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}]}]
containers: [{name: main}]`, nil, false},
		{"mounted by subPath only", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c/a, subPath: a}, {name: s, mountPath: /s/b, subPathExpr: b}]}]`, nil, false},
		{"mounted and variables", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
containers:
- name: main
  envFrom: [{configMapRef: {name: cfg}}]
  env: [{name: B, valueFrom: {secretKeyRef: {name: sec, key: b}}}]
  volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}]`, nil, false},

		{"optional sources become required", strings.NewReplacer("name: cfg", "name: cfg, optional: true", "secretName: sec", "secretName: sec, optional: true").Replace(mounted), nil, false},
		{"optional source, its items exist", strings.Replace(mounted, "name: cfg", "name: cfg, optional: true, items: [{key: a, path: p}]", 1), nil, false},
		{"optional source, an item is missing", strings.Replace(mounted, "name: cfg", "name: cfg, optional: true, items: [{key: a, path: p}, {key: none, path: q}]", 1), nil, true},
		{"optional Secret, an item is missing", strings.Replace(mounted, "secretName: sec", "secretName: sec, optional: true, items: [{key: none, path: q}]", 1), nil, true},
		{"optional Secret, its items are in stringData", `
volumes: [{name: s, secret: {secretName: sec, optional: true, items: [{key: b, path: p}]}}]
containers: [{name: main, volumeMounts: [{name: s, mountPath: /s}]}]`, sends(wire.ContainerVolumes{
			Secrets: []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "sec"}, StringData: map[string]string{"b": "2"}}},
		}), false},
		{"required source, an item is missing: the kubelet waits, as locally", strings.Replace(mounted, "name: cfg", "name: cfg, items: [{key: none, path: q}]", 1), nil, false},
		{"an item is missing, but another volume with the object is required", `
volumes: [{name: c, configMap: {name: cfg}}, {name: d, configMap: {name: cfg, optional: true, items: [{key: none, path: q}]}}, {name: s, secret: {secretName: sec}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}, {name: d, mountPath: /d}, {name: s, mountPath: /s}]}]`, nil, true},
		{"an item is missing in a volume that no container mounts", `
volumes: [{name: c, configMap: {name: cfg}}, {name: d, configMap: {name: cfg, optional: true, items: [{key: none, path: q}]}}, {name: s, secret: {secretName: sec}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}]}]`, nil, false},
		{"an optional variable whose key is missing, of a mounted object", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
containers:
- name: main
  env: [{name: A, valueFrom: {configMapKeyRef: {name: cfg, key: none, optional: true}}}]
  volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}]`, nil, false},
		{"an optional source that was not carried", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}, {name: o, configMap: {name: other, optional: true}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}, {name: s, mountPath: /s}, {name: o, mountPath: /o}]}]`, nil, false},

		{"volume without mounts", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}]}]`, nil, true},
		{"no volume", `containers: [{name: main}]`, nil, true},
		{"only envFrom", `
volumes: [{name: c, configMap: {name: cfg}}]
containers: [{name: main, envFrom: [{secretRef: {name: sec}}], volumeMounts: [{name: c, mountPath: /c}]}]`, nil, true},
		{"only a variable", `
volumes: [{name: s, secret: {secretName: sec}}]
containers: [{name: main, env: [{name: A, valueFrom: {configMapKeyRef: {name: cfg, key: a}}}], volumeMounts: [{name: s, mountPath: /s}]}]`, nil, true},
		{"only an image pull secret", `
imagePullSecrets: [{name: sec}]
volumes: [{name: c, configMap: {name: cfg}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}]}]`, nil, true},
		{"an image pull secret of the site", mounted, withOptions(func(o *translate.Options) { o.ImagePullSecrets = []string{"registry"} }), false},
		{"mounted only by a container that stays local", `
volumes: [{name: c, configMap: {name: cfg}}, {name: s, secret: {secretName: sec}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}]}]`, func(r *wire.CreateRequest, _ *translate.Options) {
			r.Pod.Annotations = map[string]string{wire.AnnotationDisableContainers: "local"} // InterLink has removed it (docs/contract.md, CREATE-13)
		}, true},
		{"a ConfigMap and a Secret of one name, one of them mounted", `
volumes: [{name: c, configMap: {name: cfg}}]
containers: [{name: main, volumeMounts: [{name: c, mountPath: /c}]}]`, sends(wire.ContainerVolumes{
			ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "cfg"}}},
			Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "cfg"}}},
		}), true},

		{"projected files", `
volumes: [{name: p, projected: {sources: [{serviceAccountToken: {path: token}}]}}]
containers: [{name: main, volumeMounts: [{name: p, mountPath: /p}]}]`, sends(wire.ContainerVolumes{
			ProjectedVolumeMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Data: map[string]string{"token": "x"}}},
		}), false},
		{"projected files that no container mounts", `
volumes: [{name: p, projected: {sources: [{serviceAccountToken: {path: token}}]}}]
containers: [{name: main}]`, sends(wire.ContainerVolumes{
			ProjectedVolumeMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Data: map[string]string{"token": "x"}}},
		}), true},
		{"downward API files", `
volumes: [{name: p, downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}}]
containers: [{name: main, volumeMounts: [{name: p, mountPath: /p}]}]`, sends(wire.ContainerVolumes{}), false},
		{"a Secret in a projected volume", `
volumes: [{name: p, projected: {sources: [{secret: {name: sec}}]}}, {name: c, configMap: {name: cfg}}]
containers: [{name: main, volumeMounts: [{name: p, mountPath: /p}, {name: c, mountPath: /c}]}]`, nil, false},
		{"an optional Secret in a projected volume becomes required", `
volumes: [{name: p, projected: {sources: [{secret: {name: sec, optional: true, items: [{key: b, path: b}]}}]}}, {name: c, configMap: {name: cfg}}]
containers: [{name: main, volumeMounts: [{name: p, mountPath: /p}, {name: c, mountPath: /c}]}]`, nil, false},
		{"an optional Secret in a projected volume, an item is missing", `
volumes: [{name: p, projected: {sources: [{secret: {name: sec, optional: true, items: [{key: none, path: b}]}}]}}, {name: s, secret: {secretName: sec}}, {name: c, configMap: {name: cfg}}]
containers: [{name: main, volumeMounts: [{name: p, mountPath: /p}, {name: s, mountPath: /s}, {name: c, mountPath: /c}]}]`, nil, true},

		{"files of an image", `
volumes: [{name: i, image: {reference: model}}]
containers: [{name: main, volumeMounts: [{name: i, mountPath: /i}]}]`, sends(wire.ContainerVolumes{}), true},
		{"files of an image that no container mounts", `
volumes: [{name: i, image: {reference: model}}]
containers: [{name: main}]`, sends(wire.ContainerVolumes{}), true},

		{"mesh", `containers: [{name: main}]`, annotated(wire.AnnotationPreExec, mesh), false},
		{"mesh in a native sidecar", `containers: [{name: main}]`, func(r *wire.CreateRequest, o *translate.Options) {
			annotated(wire.AnnotationPreExec, mesh)(r, o)
			o.Mesh.InitContainer = true
		}, false},
		{"tunnel client", `containers: [{name: main}]`, func(r *wire.CreateRequest, o *translate.Options) {
			annotated(wire.AnnotationTunnelCommands, "wstunnel client")(r, o)
			o.Mesh.Tunnel = true
		}, false},
		{"TCP tunnels", strings.Replace(mounted, "name: main", "name: main, ports: [{containerPort: 80}]", 1), withOptions(func(o *translate.Options) { o.Tunnels = true }), true},
		{"TCP ports without tunnels", strings.Replace(mounted, "name: main", "name: main, ports: [{containerPort: 80}]", 1), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := wire.CreateRequest{Containers: []wire.ContainerVolumes{{
				Name:       "main",
				ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "cfg"}, Data: map[string]string{"a": "1"}}},
				Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "sec"}, Data: map[string][]byte{"b": []byte("2")}}},
			}}}
			request.Pod.ObjectMeta = metav1.ObjectMeta{Name: "pod", Namespace: "demo", UID: "079fe240-1d4b-4a27-8f9b-aecca1963cf7"}
			if err := yaml.UnmarshalStrict([]byte(test.spec), &request.Pod.Spec); err != nil {
				t.Fatal(err)
			}
			// A gate of the local pod is the local cluster's business.
			request.Pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.org/local"}}
			options := translate.Options{Scope: scope.Scope{Prefix: "offloading", Instance: "default"}}
			options.Mesh.Enabled, options.Mesh.Scripts = true, config.AnyScript
			if test.change != nil {
				test.change(&request, &options)
			}
			objects, err := translate.ToObjects(&request, options)
			if err != nil {
				t.Fatal(err)
			}
			var want []corev1.PodSchedulingGate
			if test.gated {
				want = []corev1.PodSchedulingGate{{Name: wire.GateDependents}}
			}
			if got := objects.Pod.Spec.SchedulingGates; !slices.Equal(got, want) {
				t.Errorf("the pod has the gates %v, want %v; it owns %s", got, want, objects.Pod.Annotations[wire.AnnotationOwned])
			}
		})
	}
}

// TestOwned checks the annotation that lists what the remote pod owns. It is there
// although the pod owns nothing, and no user can set it.
func TestOwned(t *testing.T) {
	const uid = "079fe240-1d4b-4a27-8f9b-aecca1963cf7"
	request := wire.CreateRequest{}
	request.Pod.ObjectMeta = metav1.ObjectMeta{
		Name: "pod", Namespace: "demo", UID: uid,
		Annotations: map[string]string{wire.AnnotationOwned: "secrets/of-somebody-else"},
	}
	request.Pod.Spec.Containers = []corev1.Container{{Name: "main", Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}
	options := translate.Options{Scope: scope.Scope{Prefix: "offloading"}}
	check := func(want ...string) {
		t.Helper()
		objects, err := translate.ToObjects(&request, options)
		if err != nil {
			t.Fatal(err)
		}
		var dependents []string
		for _, dependent := range objects.Dependents() {
			dependents = append(dependents, fmt.Sprintf("%T %s", dependent, dependent.GetName()))
		}
		var annotation []string
		for _, line := range want {
			kind, name, _ := strings.Cut(line, " ")
			annotation = append(annotation, strings.ToLower(strings.TrimPrefix(kind, "*v1."))+"s/"+name)
		}
		if !slices.Equal(dependents, want) {
			t.Errorf("dependents: %q, want %q", dependents, want)
		}
		if got, found := objects.Pod.Annotations[wire.AnnotationOwned]; !found || got != strings.Join(annotation, ",") {
			t.Errorf("annotation: %q, %v, want %q", got, found, strings.Join(annotation, ","))
		}
	}
	check()
	request.Containers = []wire.ContainerVolumes{{
		Name:       "main",
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "two"}}, {ObjectMeta: metav1.ObjectMeta{Name: "one"}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "sec"}}},
	}}
	options.Tunnels = true
	check("*v1.ConfigMap two-"+uid, "*v1.ConfigMap one-"+uid, "*v1.Secret sec-"+uid, "*v1.Service bastion-"+uid)
}
