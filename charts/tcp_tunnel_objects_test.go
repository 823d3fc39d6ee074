package charts

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
)

// A real API server accepts every object, and the pods fit the restricted Pod Security Standard.
func TestAPIServerAcceptsTheTunnel(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	patch := []byte(`{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}`)
	if _, err := server.Client.CoreV1().Namespaces().Patch(t.Context(), namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	accept := func(t *testing.T, kind schema.GroupVersionKind, object any) {
		t.Helper()
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			t.Fatal(err)
		}
		sent := &unstructured.Unstructured{Object: content}
		sent.SetGroupVersionKind(kind)
		sent.SetNamespace(namespace)
		resource, _ := meta.UnsafeGuessKindToResource(kind)
		options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
		if _, err := client.Resource(resource).Namespace(namespace).Create(t.Context(), sent, options); err != nil {
			t.Errorf("%s: %v", kind.Kind, err)
		}
	}
	eachTunnel(t, func(t *testing.T, chart, _ string, values map[string]any) {
		// Some files set another security context; the test checks the one of the chart.
		delete(values, "podSecurityContext")
		for _, object := range decode(t, manifest(mustRenderTunnel(t, chart, values))) {
			accept(t, object.GetObjectKind().GroupVersionKind(), object)
			if deployment, ok := object.(*appsv1.Deployment); ok {
				pod := corev1.Pod{Spec: deployment.Spec.Template.Spec}
				pod.Name = deployment.Name
				accept(t, corev1.SchemeGroupVersion.WithKind("Pod"), &pod)
			}
		}
	})
}

// These rules hold for both pods with all values.
func TestTunnelPods(t *testing.T) {
	eachTunnel(t, func(t *testing.T, chart, _ string, values map[string]any) {
		for _, object := range decode(t, mustRenderTunnel(t, chart, values)["deployment.yaml"]) {
			deployment := object.(*appsv1.Deployment)
			pod := deployment.Spec.Template
			for key, value := range deployment.Spec.Selector.MatchLabels {
				if pod.Labels[key] != value {
					t.Errorf("the label %s of the pod is %q, but the selector requires %q", key, pod.Labels[key], value)
				}
			}
			for key, value := range deployment.Labels {
				if pod.Labels[key] != value {
					t.Errorf("the pod does not have the label %s=%s", key, value)
				}
			}
			if *pod.Spec.AutomountServiceAccountToken || *pod.Spec.EnableServiceLinks {
				t.Error("the pod must not have a service account token or service links")
			}
			container := pod.Spec.Containers[0]
			if !*container.SecurityContext.ReadOnlyRootFilesystem || container.ReadinessProbe == nil {
				t.Error("the container has no probe, or its root file system is writable")
			}
		}
	})
}

// The values determine which Services exist.
func TestGatewayServices(t *testing.T) {
	for values, want := range map[string]string{
		"":                           "ClusterIP NodePort/30222",
		"service: {port: null}":      "ClusterIP",
		"service: null":              "ClusterIP",
		"service: {type: ClusterIP}": "ClusterIP ClusterIP",
		"service: {type: LoadBalancer, port: 30001}":                 "ClusterIP LoadBalancer/30001",
		"tunnel: {service: {sourcePort: 81, sourceNodePort: 30181}}": "ClusterIP NodePort/30222 NodePort/30181",
		"tunnel: {service: {sourcePort: 81}}":                        "ClusterIP NodePort/30222 NodePort",
		"tunnel: {service: {sourceNodePort: 30181}}":                 "ClusterIP NodePort/30222",
		"tunnel: null": "ClusterIP NodePort/30222",
	} {
		t.Run(values, func(t *testing.T) {
			given := parseValues(t, gatewayValues)
			maps.Copy(given, parseValues(t, values))
			var got []string
			names := map[string]bool{}
			for _, object := range decode(t, mustRenderTunnel(t, gateway, given)["service.yaml"]) {
				service := object.(*corev1.Service)
				names[service.Name] = true
				port, kind := service.Spec.Ports[0], service.Spec.Type
				if kind == "" {
					kind = corev1.ServiceTypeClusterIP
				}
				got = append(got, strings.TrimSuffix(fmt.Sprintf("%s/%d", kind, port.NodePort), "/0"))
			}
			if text := strings.Join(got, " "); text != want || len(names) != len(got) {
				t.Errorf("got %s with names %v, want %s", text, names, want)
			}
		})
	}
}
