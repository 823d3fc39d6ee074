// Package manifests contains only the tests of the manifests.
package manifests

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/plan"
)

// read returns the objects of a manifest. It rejects fields that Kubernetes does not know.
func read(t *testing.T, path string) []runtime.Object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	strict := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		serializer.SerializerOptions{Yaml: true, Strict: true})
	var objects []runtime.Object
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := strict.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		objects = append(objects, object)
	}
}

// examples are the manifests that users apply to the local cluster.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("examples", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == "interlink-chart-values.yaml" })
	if len(files) < 6 {
		t.Fatalf("there are only the examples %q", files)
	}
	return files
}

// podsOf returns the pods that an object is or creates: one for a Job or a Deployment, whose pods are all equal,
// and one for each ordinal of a StatefulSet, with the volumes of its claims.
func podsOf(object runtime.Object) []*corev1.Pod {
	pod := func(name string, template corev1.PodTemplateSpec) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
		p.Name = name
		return p
	}
	switch o := object.(type) {
	case *corev1.Pod:
		return []*corev1.Pod{o}
	case *appsv1.Deployment:
		return []*corev1.Pod{pod("example", o.Spec.Template)}
	case *batchv1.Job:
		return []*corev1.Pod{pod("example", o.Spec.Template)}
	case *appsv1.StatefulSet:
		var pods []*corev1.Pod
		for ordinal := range int(*o.Spec.Replicas) {
			p := pod(fmt.Sprintf("%s-%d", o.Name, ordinal), o.Spec.Template)
			for _, claim := range o.Spec.VolumeClaimTemplates {
				p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name + "-" + p.Name},
				}})
			}
			pods = append(pods, p)
		}
		return pods
	}
	return nil
}

// Each example goes to the virtual node, and the plugin offloads all of it.
func TestExamplesAreAccepted(t *testing.T) {
	environ := []string{"CONFIG_FILE_PATH=" + os.DevNull, "OFFLOADING_UNSUPPORTED_VOLUMES=refuse"}
	for _, file := range examples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var others bytes.Buffer
			var pods []*corev1.Pod
			templates := 0
			for _, object := range read(t, file) {
				if of := podsOf(object); of != nil {
					templates++
					pods = append(pods, of...)
				} else {
					others.Write(document(t, object))
				}
			}
			if templates != 1 {
				t.Errorf("%d objects have pods", templates)
			}
			for _, pod := range pods {
				checkVirtualNode(t, pod)
				pod.Kind, pod.APIVersion = "Pod", "v1"
				input := plan.Input{Path: file, Text: append(bytes.Clone(others.Bytes()), document(t, pod)...)}
				reports, err := plan.Reports(t.Context(), []plan.Input{input}, plan.Settings{Environ: environ})
				if err != nil || len(reports) != 1 {
					t.Fatalf("%d reports, error %v", len(reports), err)
				}
				if text := reports[0].Text(); reports[0].Loses() || strings.Contains(text, "must exist") {
					t.Errorf("pod %s: something is not offloaded:\n%s", pod.Name, text)
				}
			}
		})
	}
}

// A StatefulSet deletes its pods at each restart, so a claim that is deleted with its pod would lose the data.
func TestStatefulSetExampleKeepsItsClaims(t *testing.T) {
	for _, object := range read(t, filepath.Join("examples", "statefulset.yaml")) {
		for _, pod := range podsOf(object) {
			claims := 0
			for name, value := range pod.Annotations {
				if strings.HasPrefix(name, wire.AnnotationClaimPrefix) {
					claims++
					if strings.Contains(value, "retentionPolicy") {
						t.Errorf("pod %s: annotation %s has a retention policy: %s", pod.Name, name, value)
					}
				}
			}
			if claims == 0 {
				t.Errorf("pod %s has no claim", pod.Name)
			}
		}
	}
}

func document(t *testing.T, object any) []byte {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("---\n"), text...)
}

func checkVirtualNode(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if pod.Spec.NodeSelector[corev1.LabelHostname] != "virtual-node" {
		t.Error("the pod is not for the virtual node")
	}
	for _, toleration := range pod.Spec.Tolerations {
		if toleration.Key == "virtual-node.interlink/no-schedule" && toleration.Operator == corev1.TolerationOpExists {
			return
		}
	}
	t.Error("the pod does not tolerate the virtual node")
}

// With the values for InterLink's own chart, the plugin finds its configuration and listens on the socket that
// InterLink calls.
func TestInterLinkChartValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("examples", "interlink-chart-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Plugin struct {
			Image, Socket, Config string
			Envs                  []corev1.EnvVar
			ExtraVolumeMounts     []corev1.VolumeMount
		}
		ExtraVolumes []corev1.Volume
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plugin.yaml")
	if err := os.WriteFile(file, []byte(values.Plugin.Config), 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse(nil, []string{values.Plugin.Envs[0].Name + "=" + file})
	if err != nil || len(parsed.Warnings) > 0 {
		t.Fatal(err, parsed.Warnings)
	}
	network, address := parsed.Config.App.Listen()
	if network+"://"+address != values.Plugin.Socket || parsed.File != file {
		t.Errorf("the plugin listens on %s %s, but InterLink calls %s", network, address, values.Plugin.Socket)
	}
	mount, volume := values.Plugin.ExtraVolumeMounts[0], values.ExtraVolumes[0]
	if mount.Name != volume.Name || !strings.HasPrefix(parsed.Config.K8s.KubeconfigPath, mount.MountPath+"/") {
		t.Errorf("the plugin reads the kubeconfig at %s, but it is mounted at %s", parsed.Config.K8s.KubeconfigPath, mount.MountPath)
	}
}
