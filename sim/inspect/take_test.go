package inspect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// An answer in many pages is read to its end.
func TestTakeReadsAllPages(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace, pages := server.Namespace(t), 0
	const uid = types.UID("33333333-cccc") // other tests leave things on this server
	for i := range 3 {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%d-%s", i, uid)}}
		if _, err := server.Client.CoreV1().ConfigMaps(namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := inspect.TakeSnapshot(t.Context(), paged{server.Client, &pages}, []types.UID{uid}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Count("ConfigMap") != 3 || pages < 3 {
		t.Errorf("%v in %d pages", s.Names("ConfigMap"), pages)
	}
}

// paged is shown one ConfigMap at a time by the API server.
type paged struct {
	kubernetes.Interface
	pages *int
}

func (p paged) CoreV1() typedcore.CoreV1Interface { return pagedCore{p.Interface.CoreV1(), p.pages} }

type pagedCore struct {
	typedcore.CoreV1Interface
	pages *int
}

func (c pagedCore) ConfigMaps(namespace string) typedcore.ConfigMapInterface {
	return pagedConfigMaps{c.CoreV1Interface.ConfigMaps(namespace), c.pages}
}

type pagedConfigMaps struct {
	typedcore.ConfigMapInterface
	pages *int
}

func (c pagedConfigMaps) List(ctx context.Context, o metav1.ListOptions) (*corev1.ConfigMapList, error) {
	if o.Limit == 0 {
		return nil, fmt.Errorf("a list without a limit")
	}
	o.Limit = 1
	*c.pages++
	return c.ConfigMapInterface.List(ctx, o)
}

// A namespace said twice counts once; who may see nothing is told what he asked for.
func TestTakeForbidden(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "one"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().PersistentVolumeClaims("one").Create(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := inspect.TakeSnapshot(t.Context(), confined{client}, nil, []string{"one", "one"})
	if err != nil || s.Count("PersistentVolumeClaim") != 1 {
		t.Errorf("%v %v", s, err)
	}
	_, err = inspect.TakeSnapshot(t.Context(), confined{client}, nil, nil)
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "list remote pods") {
		t.Errorf("%v", err)
	}
}

func TestOwners(t *testing.T) {
	for _, test := range []struct {
		name   string
		object metav1.ObjectMeta
		uid    types.UID
		want   bool
	}{
		{"a label", metav1.ObjectMeta{Labels: map[string]string{"x": "u-1"}}, "u-1", true},
		{"an annotation", metav1.ObjectMeta{Annotations: map[string]string{"x": "u-1"}}, "u-1", true},
		{"in a name", metav1.ObjectMeta{Name: "pod-u-1-main"}, "u-1", true},
		{"in a part of a value", metav1.ObjectMeta{Annotations: map[string]string{"x": "of u-1"}}, "u-1", false},
		{"in a key", metav1.ObjectMeta{Labels: map[string]string{"u-1": ""}}, "u-1", false},
		{"another's", metav1.ObjectMeta{Name: "u-2", Labels: map[string]string{"x": "u-2"}}, "u-1", false},
		{"its own", metav1.ObjectMeta{UID: "u-1"}, "u-1", false},
		{"no UID", metav1.ObjectMeta{Name: "u-1", Labels: map[string]string{"x": ""}}, "", false},
	} {
		uid, got := inspect.NewLocalPods([]types.UID{"u-3", test.uid}).UIDOf(&test.object)
		if got != test.want || got && uid != test.uid {
			t.Errorf("%s: %v %s", test.name, got, uid)
		}
	}
}
