package orphans_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// site is a remote namespace on a real API server, with a search for orphans.
type site struct {
	*orphans.Orphans
	t         *testing.T
	client    kubernetes.Interface
	cluster   *cluster.Cluster
	namespace string
	instance  string
	log       *testkit.Log
}

// releases records the selectors of the Helm releases that are uninstalled.
type releases struct {
	namespace string
	closed    []string
}

func (r *releases) Namespace() string { return r.namespace }

func (r *releases) Close(_ context.Context, selector string) error {
	r.closed = append(r.closed, selector)
	return nil
}

func newSite(t *testing.T, change func(*site, *orphans.Options)) *site {
	server := apiserver.ForTest(t)
	s := &site{t: t, client: server.Client, namespace: server.Namespace(t), instance: fmt.Sprintf("i%08x", rand.Uint32()), log: testkit.NewLog(t)}
	var err error
	if s.cluster, err = cluster.New(server.Client, "", func(pod *corev1.Pod) *corev1.Pod { return pod }, s.log.Logger()); err != nil {
		t.Fatal(err)
	}
	options := orphans.Options{Scope: scope.Scope{Instance: s.instance}, Grace: grace, Log: s.log.Logger()}
	options.Lock = orphans.NewLock(server.Client.CoordinationV1(), s.namespace, options.Scope)
	change(s, &options)
	s.Orphans = orphans.New(s.cluster, options)
	return s
}

// meta returns metadata of an object of this instance.
func (s *site) meta(name string, labels map[string]string) metav1.ObjectMeta {
	all := map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: s.instance}
	for key, value := range labels {
		all[key] = value
	}
	return metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: all, Annotations: map[string]string{
		wire.AnnotationSourceNamespace: "demo", wire.AnnotationSourceName: name,
	}}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) configMap(meta metav1.ObjectMeta) {
	s.t.Helper()
	_, err := s.client.CoreV1().ConfigMaps(s.namespace).Create(s.t.Context(), &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
	s.must(err)
}

func (s *site) secret(meta metav1.ObjectMeta) {
	s.t.Helper()
	_, err := s.client.CoreV1().Secrets(s.namespace).Create(s.t.Context(), &corev1.Secret{ObjectMeta: meta}, metav1.CreateOptions{})
	s.must(err)
}

func (s *site) claim(name, retention string) {
	s.t.Helper()
	meta := s.meta(name, nil)
	meta.Annotations[wire.AnnotationRetention] = retention
	_, err := s.client.CoreV1().PersistentVolumeClaims(s.namespace).Create(s.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: meta, Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	s.must(err)
}

// pod creates a remote pod of virtual node vk, whose local UID is its name.
func (s *site) pod(name string, change func(*corev1.Pod)) {
	s.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: s.meta(name, map[string]string{wire.LabelPodUID: name}),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}
	pod.Annotations[wire.AnnotationSourceNode] = "vk"
	if change != nil {
		change(pod)
	}
	_, err := s.client.CoreV1().Pods(s.namespace).Create(s.t.Context(), pod, metav1.CreateOptions{})
	s.must(err)
}

func (s *site) find(name string) *corev1.Pod {
	s.t.Helper()
	pod, err := s.client.CoreV1().Pods(s.namespace).Get(s.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	s.must(err)
	return pod
}

// orphans list finds exactly what no request will delete, and orphans delete deletes it.
func TestListAndDelete(t *testing.T) {
	now := time.Now().Add(2 * grace)
	bastions := &releases{}
	s := newSite(t, func(s *site, o *orphans.Options) {
		bastions.namespace = s.namespace
		o.Tunnels, o.Now = bastions, func() time.Time { return now }
	})
	created := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Labels: s.meta("", nil).Labels, Annotations: map[string]string{wire.AnnotationSourceName: "local"}}
	}
	empty, full := s.namespace+"-empty", s.namespace+"-full"
	for _, name := range []string{empty, full} {
		_, err := s.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: created(name)}, metav1.CreateOptions{})
		s.must(err)
	}
	_, err := s.client.CoreV1().ConfigMaps(full).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "of-the-site"}}, metav1.CreateOptions{})
	s.must(err)

	_, err = s.client.CoreV1().Secrets(empty).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "of-the-template", Labels: map[string]string{wire.LabelNamespaceTemplate: "hash"},
	}}, metav1.CreateOptions{})
	s.must(err)

	s.pod("live", func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "used"}}}}
	})
	mark := func(at time.Time) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Annotations[wire.AnnotationUnaskedSince] = at.Format(time.RFC3339Nano) }
	}
	s.pod("marked", mark(now.Add(-grace)))
	s.pod("marked-lately", mark(now.Add(-grace+time.Minute)))
	gone, live := map[string]string{wire.LabelPodUID: "gone"}, map[string]string{wire.LabelPodUID: "live"}
	s.configMap(s.meta("config-gone", gone))
	s.configMap(s.meta("config-live", live))
	owned := s.meta("config-owned", gone)
	owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "gone", UID: "gone"}}
	s.configMap(owned)
	s.configMap(s.meta("config-of-another", map[string]string{wire.LabelPodUID: "gone", wire.LabelInstance: "another"}))
	s.secret(s.meta("secret-gone", gone))
	s.secret(s.meta("secret-live", live))
	_, err = s.client.CoreV1().Services(s.namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: s.meta("service-gone", gone), Spec: corev1.ServiceSpec{ClusterIP: "None"}}, metav1.CreateOptions{})
	s.must(err)
	stored := map[string]string{wire.LabelStoredRequest: "waiting"}
	s.secret(s.meta("waits.request", stored))
	marker := s.meta("waits.request", stored)
	marker.Annotations[wire.AnnotationWaitingClaims] = "other,awaited"
	s.configMap(marker)
	s.claim("awaited", "delete")
	s.secret(s.meta("left.request", stored))
	s.claim("unused", "delete")
	s.claim("used", "delete")
	s.claim("retained", "retain")
	for _, uid := range []string{"gone", "live"} {
		s.secret(metav1.ObjectMeta{Name: "release-" + uid, Namespace: s.namespace, Labels: map[string]string{
			"owner": "helm", "name": "bastion-" + uid, wire.LabelTunnelUID: uid, wire.LabelInstance: s.instance,
		}})
	}

	list := func() ([]orphans.Finding, []string) {
		t.Helper()
		findings, skipped, err := s.List(t.Context())
		if err != nil || len(skipped) > 0 {
			t.Fatalf("List: %v, %v", skipped, err)
		}
		var lines []string
		for _, f := range findings {
			lines = append(lines, fmt.Sprintf("%s %s due=%v kept=%v", f.Kind, f.Name, f.Due, f.Kept))
		}
		slices.Sort(lines)
		return findings, lines
	}
	findings, got := list()
	want := []string{
		"configmaps config-gone due=true kept=false",
		"helm releases bastion-gone due=true kept=false",
		"namespaces " + empty + " due=false kept=true",
		"persistentvolumeclaims unused due=true kept=false",
		"pods marked due=true kept=false",
		"pods marked-lately due=false kept=false",
		"secrets left.request due=true kept=false",
		"secrets secret-gone due=true kept=false",
		"services service-gone due=true kept=false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("List (-want +got):\n%s", diff)
	}
	deleted, err := s.Delete(t.Context(), findings)
	if err != nil || deleted != 7 {
		t.Errorf("Delete: %d, %v", deleted, err)
	}
	if !slices.Equal(bastions.closed, []string{scope.TunnelSelector("gone") + "," + wire.LabelInstance + "=" + s.instance}) {
		t.Errorf("uninstalled: %v", bastions.closed)
	}
	// The claim has a finalizer, and no controller runs; the release is a Secret here.
	_, got = list()
	want = []string{"helm releases bastion-gone due=true kept=false", "namespaces " + empty + " due=false kept=true", "pods marked-lately due=false kept=false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List after Delete (-want +got):\n%s", diff)
	}
	now = time.Now() // nothing is as old as the grace
	if _, got = list(); slices.ContainsFunc(got, func(line string) bool { return !strings.HasPrefix(line, "pods ") }) {
		t.Errorf("List of what is young: %v", got)
	}
}

// An object that changes after it was found stays.
func TestDeleteKeepsWhatHasChanged(t *testing.T) {
	s := newSite(t, func(_ *site, o *orphans.Options) { o.Now = func() time.Time { return time.Now().Add(2 * grace) } })
	s.claim("again", "delete")
	s.configMap(s.meta("config", map[string]string{wire.LabelPodUID: "late"}))
	findings, _, err := s.List(t.Context())
	if err != nil || len(findings) != 2 {
		t.Fatalf("List: %v, %v", findings, err)
	}
	_, err = s.client.CoreV1().PersistentVolumeClaims(s.namespace).Patch(t.Context(), "again", types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"used":"again"}}}`), metav1.PatchOptions{})
	s.must(err)
	s.pod("late", nil)
	if deleted, err := s.Delete(t.Context(), findings); err != nil || deleted != 0 {
		t.Errorf("Delete: %d, %v", deleted, err)
	}
}

// On a real API server, with a Lease: a pod about which nothing asks is deleted, and a claim
// that nothing uses; the mark of a pod that is asked about is removed; the Lease is released.
func TestSearchOnARealAPIServer(t *testing.T) {
	s := newSite(t, func(_ *site, o *orphans.Options) { o.Grace = 3 * time.Second })
	s.must(s.cluster.OnPodChange(s.HandlePodChange, func(pod *corev1.Pod, _ bool) { s.HandlePodGone(pod) }))
	s.pod("live", func(pod *corev1.Pod) {
		pod.Annotations[wire.AnnotationUnaskedSince] = time.Now().Format(time.RFC3339Nano)
	})
	s.pod("lost", nil)
	s.claim("unused", "delete")
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.cluster.Run(ctx) })
	running.Go(func() { s.Run(ctx) })
	running.Go(func() {
		for ctx.Err() == nil {
			s.Asked([]corev1.Pod{{ObjectMeta: metav1.ObjectMeta{UID: "live"}, Spec: corev1.PodSpec{NodeName: "vk"}}})
			time.Sleep(20 * time.Millisecond)
		}
	})
	testkit.Eventually(t, "the lost pod is deleted", func() bool { return s.find("lost") == nil })
	testkit.Eventually(t, "the unused claim is deleted", func() bool {
		claim, err := s.client.CoreV1().PersistentVolumeClaims(s.namespace).Get(t.Context(), "unused", metav1.GetOptions{})
		return apierrors.IsNotFound(err) || err == nil && claim.DeletionTimestamp != nil
	})
	live := s.find("live")
	if live == nil || live.Annotations[wire.AnnotationUnaskedSince] != "" {
		t.Errorf("the live pod is %v", live)
	}
	stop()
	running.Wait()
	leases, err := s.client.CoordinationV1().Leases(s.namespace).List(t.Context(), metav1.ListOptions{})
	s.must(err)
	if len(leases.Items) != 1 || leases.Items[0].Name != "interlink-kubernetes-plugin-"+s.instance || leases.Items[0].Labels[wire.LabelInstance] != s.instance {
		t.Fatalf("Leases: %v", leases.Items)
	}
	if holder := leases.Items[0].Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the Lease is still held by %s", *holder)
	}
}
