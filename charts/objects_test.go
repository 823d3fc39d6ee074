package charts

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
)

// serviceMonitor is the part of the Prometheus operator's type that the chart uses.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Path     string `json:"path"`
			Interval string `json:"interval"`

			ScrapeTimeout     string           `json:"scrapeTimeout"`
			Relabelings       []map[string]any `json:"relabelings"`
			MetricRelabelings []map[string]any `json:"metricRelabelings"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// prometheusRule is the part of the operator's type that the chart uses; promtool checks the rules (make alerts).
type prometheusRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Groups []struct {
			Name  string `json:"name"`
			Rules []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

func documents(t *testing.T, text string) [][]byte {
	t.Helper()
	var all [][]byte
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader([]byte(text))))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, document)
	}
}

// decode decodes a manifest into the types of Kubernetes and rejects unknown fields. It checks objects
// of the Prometheus operator, but does not return them.
func decode(t *testing.T, text string) []runtime.Object {
	t.Helper()
	strict := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		serializer.SerializerOptions{Yaml: true, Strict: true})
	var objects []runtime.Object
	for _, document := range documents(t, text) {
		if bytes.Contains(document, []byte("kind: PrometheusRule\n")) {
			var rules prometheusRule
			if err := yaml.UnmarshalStrict(document, &rules); err != nil || len(rules.Spec.Groups) == 0 || len(rules.Spec.Groups[0].Rules) == 0 {
				t.Errorf("the alert rules are %+v, %v", rules, err)
			}
			continue
		}
		if bytes.Contains(document, []byte("kind: ServiceMonitor\n")) {
			var monitor serviceMonitor
			if err := yaml.UnmarshalStrict(document, &monitor); err != nil {
				t.Error(err)
			}
			continue
		}
		object, _, err := strict.Decode(document, nil, nil)
		if err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		objects = append(objects, object)
	}
	return objects
}

// A real API server accepts every object, and the pod fits the restricted Pod Security Standard.
func TestAPIServerAcceptsEveryObject(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: demo.namespace, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted",
	}}}
	if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	runtimeClass := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "gvisor"}, Handler: "runsc"}
	if _, err := server.Client.NodeV1().RuntimeClasses().Create(t.Context(), runtimeClass, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
	eachValues(t, func(t *testing.T, _ string, values map[string]any) {
		for _, object := range decode(t, manifest(mustRender(t, values))) {
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
			if err != nil {
				t.Fatal(err)
			}
			resource, _ := meta.UnsafeGuessKindToResource(object.GetObjectKind().GroupVersionKind())
			create(t, client, resource, content, dryRun)
			if deployment, ok := object.(*appsv1.Deployment); ok {
				pod := corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, Spec: deployment.Spec.Template.Spec}
				pod.Name = deployment.Name
				content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&pod)
				if err != nil {
					t.Fatal(err)
				}
				create(t, client, corev1.SchemeGroupVersion.WithResource("pods"), content, dryRun)
			}
		}
	})
}

func create(t *testing.T, client dynamic.Interface, resource schema.GroupVersionResource, content map[string]any, options metav1.CreateOptions) {
	t.Helper()
	object := &unstructured.Unstructured{Object: content}
	namespace := demo.namespace
	if strings.HasPrefix(object.GetKind(), "ClusterRole") {
		namespace = ""
	}
	if _, err := client.Resource(resource).Namespace(namespace).Create(t.Context(), object, options); err != nil {
		t.Errorf("%s: %v", object.GetKind(), err)
	}
}

// These rules hold for the pod with all values.
func TestPod(t *testing.T) {
	eachValues(t, func(t *testing.T, _ string, values map[string]any) {
		var deployment *appsv1.Deployment
		for _, object := range decode(t, manifest(mustRender(t, values))) {
			if d, ok := object.(*appsv1.Deployment); ok {
				deployment = d
			}
		}
		pod := deployment.Spec.Template.Spec
		parsed := parse(t, values)
		// The plugin needs the shutdown grace, and then 12 s for the rollback of canceled requests.
		preStop := time.Duration(pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
		least := preStop + parsed.Config.App.ShutdownGrace + 12*time.Second
		if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace <= least {
			t.Errorf("the termination grace period is %s; it must be longer than %s", grace, least)
		}
		remote, _ := values["remote"].(map[string]any)
		if inCluster, _ := remote["inCluster"].(bool); *pod.AutomountServiceAccountToken != inCluster {
			t.Error("the token of the service account must be mounted only with remote.inCluster")
		}
		for _, container := range append(pod.InitContainers, pod.Containers...) {
			if container.Name == "first" || container.Name == "beside" { // additions
				continue
			}
			if !*container.SecurityContext.ReadOnlyRootFilesystem || container.ReadinessProbe == nil || container.LivenessProbe == nil {
				t.Errorf("container %s has no probe, or its root file system is writable", container.Name)
			}
		}
	})
}
