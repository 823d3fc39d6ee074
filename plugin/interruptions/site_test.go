package interruptions

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A site is one remote namespace for one test, with a kubelet. Several plugins can work there, one after the other or
// at the same time.
type site struct {
	t         *testing.T
	server    *apiserver.Server
	admin     *kubernetes.Clientset // without a limit of requests
	prefix    string
	namespace string // remote
}

// local is the local namespace of all pods.
const local = "demo"

func newSite(t *testing.T) *site {
	t.Helper()
	server := apiserver.ForTestWithControllers(t)
	config := rest.CopyConfig(server.Config)
	config.QPS = -1
	admin, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, server: server, admin: admin, prefix: fmt.Sprintf("i%08x", rand.Uint32())}
	s.namespace = scope.Scope{Prefix: s.prefix}.RemoteNamespace(local)
	startKubelet(s)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// An object is a remote object in short.
type object struct {
	kind string // as in a path: "pods"
	meta metav1.ObjectMeta
}

func (o object) String() string { return o.kind + "/" + o.meta.Name }

// objects returns all remote objects that any plugin has created in the namespace.
func (s *site) objects() []object {
	s.t.Helper()
	ctx, core, all := context.Background(), s.admin.CoreV1(), metav1.ListOptions{LabelSelector: scope.Selector()}
	var objects []object
	pods, err := core.Pods(s.namespace).List(ctx, all)
	s.must(err)
	for _, o := range pods.Items {
		objects = append(objects, object{"pods", o.ObjectMeta})
	}
	configMaps, err := core.ConfigMaps(s.namespace).List(ctx, all)
	s.must(err)
	for _, o := range configMaps.Items {
		objects = append(objects, object{"configmaps", o.ObjectMeta})
	}
	secrets, err := core.Secrets(s.namespace).List(ctx, all)
	s.must(err)
	for _, o := range secrets.Items {
		objects = append(objects, object{"secrets", o.ObjectMeta})
	}
	services, err := core.Services(s.namespace).List(ctx, all)
	s.must(err)
	for _, o := range services.Items {
		objects = append(objects, object{"services", o.ObjectMeta})
	}
	claims, err := core.PersistentVolumeClaims(s.namespace).List(ctx, all)
	s.must(err)
	for _, o := range claims.Items {
		if o.DeletionTimestamp == nil { // the controller that takes its finalizer off does not run
			objects = append(objects, object{"claims", o.ObjectMeta})
		}
	}
	return objects
}

// left returns what must not be left when all pods are deleted: everything but claims that are to be retained,
// and the tunnels.
func (s *site) left() []string {
	s.t.Helper()
	var left []string
	for _, o := range s.objects() {
		if o.kind != "claims" || o.meta.Annotations[wire.AnnotationRetention] == "delete" {
			left = append(left, o.String())
		}
	}
	releases, err := s.admin.CoreV1().Secrets(s.tunnels()).List(context.Background(), metav1.ListOptions{LabelSelector: "owner=helm"})
	s.must(err)
	for _, o := range releases.Items {
		left = append(left, "release "+o.Name)
	}
	return left
}

// tunnels returns the namespace of the TCP tunnels.
func (s *site) tunnels() string { return s.prefix + "-tunnels" }

// eventuallyNothingLeft waits until nothing is left.
func (s *site) eventuallyNothingLeft() {
	s.t.Helper()
	var left []string
	defer func() {
		if s.t.Failed() && len(left) > 0 {
			s.t.Errorf("these objects are left: %v", left)
		}
	}()
	testkit.Eventually(s.t, "nothing is left", func() bool {
		left = s.left()
		return len(left) == 0
	})
}

// retained returns the number of claims that are to be retained.
func (s *site) retained() int {
	s.t.Helper()
	count := 0
	for _, o := range s.objects() {
		if o.kind == "claims" && o.meta.Annotations[wire.AnnotationRetention] == "retain" {
			count++
		}
	}
	return count
}

// versions returns the UID and the resource version of each object: what is touched has another one.
func (s *site) versions() map[string]string {
	s.t.Helper()
	versions := map[string]string{}
	for _, o := range s.objects() {
		versions[o.String()] = string(o.meta.UID) + " " + o.meta.ResourceVersion
	}
	return versions
}

// checkWhole checks that the one remote pod of each local pod exists with its objects, each of them once, and that the
// pod owns them. It returns the UIDs of the remote pods.
func (s *site) checkWhole(requests ...wire.CreateRequest) []types.UID {
	s.t.Helper()
	byUID := map[string][]object{}
	for _, o := range s.objects() {
		byUID[o.meta.Labels[wire.LabelPodUID]] = append(byUID[o.meta.Labels[wire.LabelPodUID]], o)
	}
	uids := make([]types.UID, len(requests))
	for n, r := range requests {
		all := byUID[string(r.Pod.UID)] // pods are first
		if len(all) != 1+dependents(r) || all[0].kind != "pods" || len(all) > 1 && all[1].kind == "pods" {
			s.t.Errorf("%s has %v, want one pod and %d other objects", r.Pod.Name, all, dependents(r))
			continue
		}
		uids[n] = all[0].meta.UID
		for _, o := range all[1:] {
			if len(o.meta.OwnerReferences) != 1 || o.meta.OwnerReferences[0].UID != uids[n] {
				s.t.Errorf("%s is owned by %v, want the pod %s", o, o.meta.OwnerReferences, uids[n])
			}
		}
	}
	return uids
}

// pod returns the remote pod of a local one, or nil.
func (s *site) pod(r wire.CreateRequest) *corev1.Pod {
	s.t.Helper()
	list, err := s.admin.CoreV1().Pods(s.namespace).List(context.Background(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))})
	s.must(err)
	switch len(list.Items) {
	case 0:
		return nil
	case 1:
		return &list.Items[0]
	}
	s.t.Fatalf("%d remote pods exist for %s", len(list.Items), r.Pod.Name)
	return nil
}

// eventuallyRunning waits until the remote pods of all requests run, apart from those that the kubelet never starts.
func (s *site) eventuallyRunning(requests ...wire.CreateRequest) {
	s.t.Helper()
	want := 0
	for _, r := range requests {
		if !strings.HasPrefix(r.Pod.Name, neverStarted) {
			want++
		}
	}
	testkit.Eventually(s.t, "the pods run", func() bool {
		pods, err := s.admin.CoreV1().Pods(s.namespace).List(context.Background(), metav1.ListOptions{LabelSelector: scope.Selector()})
		s.must(err)
		run := 0
		for _, pod := range pods.Items {
			if pod.Status.Phase == corev1.PodRunning && slices.ContainsFunc(requests, func(r wire.CreateRequest) bool { return string(r.Pod.UID) == pod.Labels[wire.LabelPodUID] }) {
				run++
			}
		}
		return run == want
	})
}

// deleteClaim deletes a claim at once, as the controller that takes its finalizer off would do.
func (s *site) deleteClaim(name string) {
	s.t.Helper()
	claims := s.admin.CoreV1().PersistentVolumeClaims(s.namespace)
	_, err := claims.Patch(context.Background(), name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	s.must(err)
	s.must(claims.Delete(context.Background(), name, metav1.DeleteOptions{}))
}

// eventuallyOnlyClaimsLeft waits until nothing but claims is left, and returns their number.
func (s *site) eventuallyOnlyClaimsLeft() int {
	s.t.Helper()
	var left []string
	testkit.Eventually(s.t, "nothing but claims is left", func() bool {
		left = s.left()
		return !slices.ContainsFunc(left, func(o string) bool { return !strings.HasPrefix(o, "claims/") })
	})
	return len(left)
}
