package inspect_test

import (
	"context"
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

const ours, others = types.UID("11111111-aaaa"), types.UID("22222222-bbbb")

// What carries our UID is found wherever it is, what carries another's is not.
func TestTake(t *testing.T) {
	run := func(t *testing.T, client kubernetes.Interface, one, two string) {
		ctx, core := t.Context(), client.CoreV1()
		meta := func(name string, uid types.UID) metav1.ObjectMeta {
			return metav1.ObjectMeta{Name: name, Labels: map[string]string{"somebody/uid": string(uid)}}
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
		must(core.Pods(one).Create(ctx, pod("mine", ours), metav1.CreateOptions{}))
		must(core.Pods(two).Create(ctx, pod("not-mine", others), metav1.CreateOptions{}))
		named := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "by-name-" + string(ours)}}
		must(core.ConfigMaps(two).Create(ctx, named, metav1.CreateOptions{}))
		must(core.ConfigMaps(one).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta("not-mine", others)}, metav1.CreateOptions{}))
		annotated := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "annotated", Annotations: map[string]string{"a": string(ours)}}}
		must(core.Secrets(one).Create(ctx, annotated, metav1.CreateOptions{}))
		must(core.Secrets(one).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "nobodys"}}, metav1.CreateOptions{}))
		must(core.PersistentVolumeClaims(one).Create(ctx, claim("here"), metav1.CreateOptions{}))
		must(core.PersistentVolumeClaims(two).Create(ctx, claim("elsewhere"), metav1.CreateOptions{}))
		carried := claim("carried")
		carried.Labels = map[string]string{"u": string(ours)}
		must(core.PersistentVolumeClaims(two).Create(ctx, carried, metav1.CreateOptions{}))

		want := map[string][]string{
			"Pod": {one + "/mine"}, "ConfigMap": {two + "/by-name-" + string(ours)}, "Secret": {one + "/annotated"},
			"PersistentVolumeClaim": {one + "/here", two + "/carried"},
		}
		for name, client := range map[string]kubernetes.Interface{"all": client, "one namespace only": confined{client}} {
			s, err := inspect.TakeSnapshot(ctx, client, []types.UID{ours}, []string{one, two}[:1])
			if err != nil {
				t.Fatal(err)
			}
			for kind, names := range want {
				if name != "all" {
					names = inside(names, one)
				}
				if diff := cmp.Diff(names, s.Names(kind)); diff != "" || s.Count(kind) != len(names) {
					t.Errorf("%s, %s: %d, %s", name, kind, s.Count(kind), diff)
				}
			}
			if pod := s.Pod(ours); pod == nil || pod.Name != "mine" || s.Pod(others) != nil {
				t.Errorf("pod %v", pod)
			}
		}
	}
	t.Run("memory", func(t *testing.T) {
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

func inside(names []string, namespace string) (in []string) {
	for _, name := range names {
		if strings.HasPrefix(name, namespace+"/") {
			in = append(in, name)
		}
	}
	return in
}

// confined may list namespaces, and not the whole cluster.
type confined struct{ kubernetes.Interface }

func (c confined) CoreV1() typedcore.CoreV1Interface { return core{c.Interface.CoreV1()} }

type core struct{ typedcore.CoreV1Interface }

func (c core) Pods(namespace string) typedcore.PodInterface {
	return pods{c.CoreV1Interface.Pods(namespace), namespace}
}
func (c core) ConfigMaps(namespace string) typedcore.ConfigMapInterface {
	return configMaps{c.CoreV1Interface.ConfigMaps(namespace), namespace}
}
func (c core) Secrets(namespace string) typedcore.SecretInterface {
	return secrets{c.CoreV1Interface.Secrets(namespace), namespace}
}
func (c core) PersistentVolumeClaims(namespace string) typedcore.PersistentVolumeClaimInterface {
	return claims{c.CoreV1Interface.PersistentVolumeClaims(namespace), namespace}
}

func forbidden(namespace string) error {
	if namespace == "" {
		return apierrors.NewForbidden(corev1.Resource("pods"), "", nil)
	}
	return nil
}

type pods struct {
	typedcore.PodInterface
	namespace string
}

func (p pods) List(ctx context.Context, o metav1.ListOptions) (*corev1.PodList, error) {
	if err := forbidden(p.namespace); err != nil {
		return nil, err
	}
	return p.PodInterface.List(ctx, o)
}

type configMaps struct {
	typedcore.ConfigMapInterface
	namespace string
}

func (c configMaps) List(ctx context.Context, o metav1.ListOptions) (*corev1.ConfigMapList, error) {
	if err := forbidden(c.namespace); err != nil {
		return nil, err
	}
	return c.ConfigMapInterface.List(ctx, o)
}

type secrets struct {
	typedcore.SecretInterface
	namespace string
}

func (s secrets) List(ctx context.Context, o metav1.ListOptions) (*corev1.SecretList, error) {
	if err := forbidden(s.namespace); err != nil {
		return nil, err
	}
	return s.SecretInterface.List(ctx, o)
}

type claims struct {
	typedcore.PersistentVolumeClaimInterface
	namespace string
}

func (c claims) List(ctx context.Context, o metav1.ListOptions) (*corev1.PersistentVolumeClaimList, error) {
	if err := forbidden(c.namespace); err != nil {
		return nil, err
	}
	return c.PersistentVolumeClaimInterface.List(ctx, o)
}

// Of several pods of one local pod, the one that stays counts, then the oldest.
func TestPod(t *testing.T) {
	at := func(name string, second int64, going bool) corev1.Pod {
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"u": string(ours)}, CreationTimestamp: metav1.Unix(second, 0)}}
		if going {
			pod.DeletionTimestamp = &metav1.Time{}
		}
		return pod
	}
	s := inspect.Snapshot{Pods: []corev1.Pod{at("going", 1, true), at("young", 3, false), at("old", 2, false), at("gone", 0, true)}}
	if got := s.Pod(ours); got.Name != "old" {
		t.Error(got.Name)
	}
}
