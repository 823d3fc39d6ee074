package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

const localUID, otherUID = types.UID("11111111-aaaa"), types.UID("22222222-bbbb")

// A snapshot has the objects that contain the UID of the local pod, in any namespace,
// and no object that contains another UID.
func TestTakeSnapshot(t *testing.T) {
	run := func(t *testing.T, client kubernetes.Interface, one, two string) {
		ctx, core := t.Context(), client.CoreV1()
		meta := func(name string, uid types.UID) metav1.ObjectMeta {
			return metav1.ObjectMeta{Name: name, Labels: map[string]string{"example.com/uid": string(uid)}}
		}
		pod := func(name string, uid types.UID) *corev1.Pod {
			return &corev1.Pod{ObjectMeta: meta(name, uid), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}}
		}
		claim := func(name string) *corev1.PersistentVolumeClaim {
			c := &corev1.PersistentVolumeClaim{}
			if err := yaml.Unmarshal([]byte(`spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}`), c); err != nil {
				t.Fatal(err)
			}
			c.Name = name
			return c
		}
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(core.Pods(one).Create(ctx, pod("remote-pod", localUID), metav1.CreateOptions{}))
		must(core.Pods(two).Create(ctx, pod("other", otherUID), metav1.CreateOptions{}))
		named := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "by-name-" + string(localUID)}}
		must(core.ConfigMaps(two).Create(ctx, named, metav1.CreateOptions{}))
		must(core.ConfigMaps(one).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta("other", otherUID)}, metav1.CreateOptions{}))
		annotated := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "annotated", Annotations: map[string]string{"a": string(localUID)}}}
		must(core.Secrets(one).Create(ctx, annotated, metav1.CreateOptions{}))
		must(core.Secrets(one).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "without-uid"}}, metav1.CreateOptions{}))
		must(core.PersistentVolumeClaims(one).Create(ctx, claim("in-claim-namespace"), metav1.CreateOptions{}))
		must(core.PersistentVolumeClaims(two).Create(ctx, claim("in-other-namespace"), metav1.CreateOptions{}))
		labeled := claim("labeled")
		labeled.Labels = map[string]string{"u": string(localUID)}
		must(core.PersistentVolumeClaims(two).Create(ctx, labeled, metav1.CreateOptions{}))

		want := map[string][]string{
			"Pod": {one + "/remote-pod"}, "ConfigMap": {two + "/by-name-" + string(localUID)}, "Secret": {one + "/annotated"},
			"PersistentVolumeClaim": {one + "/in-claim-namespace", two + "/labeled"},
		}
		for name, client := range map[string]kubernetes.Interface{"whole cluster": client, "one namespace": restrictedClient{client}} {
			s, err := inspect.TakeSnapshot(ctx, client, []types.UID{localUID}, []string{one, two}[:1])
			if err != nil {
				t.Fatal(err)
			}
			for kind, names := range want {
				if name == "one namespace" {
					names = inNamespace(names, one)
				}
				if diff := cmp.Diff(names, s.Names(kind)); diff != "" || s.Count(kind) != len(names) {
					t.Errorf("%s, kind %s: Count is %d, the names differ:\n%s", name, kind, s.Count(kind), diff)
				}
			}
			if pod := s.Pod(localUID); pod == nil || pod.Name != "remote-pod" || s.Pod(otherUID) != nil {
				t.Errorf("%s: the remote pod is %v, that of another UID is %v", name, pod, s.Pod(otherUID))
			}
		}
	}
	t.Run("fake", func(t *testing.T) {
		client := fakecluster.New(fakecluster.Options{}).Client()
		for _, name := range []string{"one", "two"} {
			if _, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		run(t, client, "one", "two")
	})
	t.Run("real", func(t *testing.T) {
		server := apiserver.ForTest(t)
		one, two := server.Namespace(t), server.Namespace(t)
		if one > two {
			one, two = two, one
		}
		run(t, server.Client, one, two)
	})
}

// inNamespace returns the names that are in a namespace.
func inNamespace(names []string, namespace string) (selected []string) {
	for _, name := range names {
		if strings.HasPrefix(name, namespace+"/") {
			selected = append(selected, name)
		}
	}
	return selected
}

func TestTakeSnapshotReadsAllPages(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace, pages := server.Namespace(t), 0
	const uid = types.UID("33333333-cccc") // other tests leave objects on this server
	for i := range 3 {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%d-%s", i, uid)}}
		if _, err := server.Client.CoreV1().ConfigMaps(namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := inspect.TakeSnapshot(t.Context(), pagedClient{server.Client, &pages}, []types.UID{uid}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Count("ConfigMap") != 3 || pages < 3 {
		t.Errorf("the snapshot has the ConfigMaps %v from %d pages, want 3 from 3 pages", s.Names("ConfigMap"), pages)
	}
}

// pagedClient reads ConfigMaps with a limit of 1 and counts the pages.
type pagedClient struct {
	kubernetes.Interface
	pages *int
}

func (p pagedClient) CoreV1() typedcore.CoreV1Interface {
	return pagedCoreClient{p.Interface.CoreV1(), p.pages}
}

type pagedCoreClient struct {
	typedcore.CoreV1Interface
	pages *int
}

func (c pagedCoreClient) ConfigMaps(namespace string) typedcore.ConfigMapInterface {
	return pagedConfigMapClient{c.CoreV1Interface.ConfigMaps(namespace), c.pages}
}

type pagedConfigMapClient struct {
	typedcore.ConfigMapInterface
	pages *int
}

func (c pagedConfigMapClient) List(ctx context.Context, o metav1.ListOptions) (*corev1.ConfigMapList, error) {
	if o.Limit == 0 {
		return nil, errors.New("a list without a limit")
	}
	o.Limit = 1
	*c.pages++
	return c.ConfigMapInterface.List(ctx, o)
}

// Without the permission to list the whole cluster, each namespace is read once, even
// if it is given twice. Without namespaces, the error says what was forbidden.
func TestTakeSnapshotWithoutClusterPermissions(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "one"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().PersistentVolumeClaims("one").Create(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := inspect.TakeSnapshot(t.Context(), restrictedClient{client}, nil, []string{"one", "one"})
	if err != nil || s.Count("PersistentVolumeClaim") != 1 {
		t.Errorf("the snapshot is %+v, error %v; want one claim", s, err)
	}
	_, err = inspect.TakeSnapshot(t.Context(), restrictedClient{client}, nil, nil)
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "list remote pods") {
		t.Errorf("the error is %v, want Forbidden for \"list remote pods\"", err)
	}
}
