package lifecycle_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// env is a Lifecycle on a real API server, with a remote namespace of its own and a
// transport that can fail chosen requests.
type env struct {
	*lifecycle.Lifecycle
	t *testing.T
	// admin is a client whose requests never fail.
	admin     *kubernetes.Clientset
	faults    *faults
	cluster   *cluster.Cluster
	namespace string // remote
	options   lifecycle.Options
	log       *testkit.Log
}

// emptyCache is a cluster whose pod cache has no pod.
type emptyCache struct{ *cluster.Cluster }

func (emptyCache) CachedPod(string) *corev1.Pod    { return nil }
func (emptyCache) CachedPods(string) []*corev1.Pod { return nil }

type option func(*lifecycle.Options)

func createTimeout(d time.Duration) option {
	return func(o *lifecycle.Options) { o.CreateTimeout = d }
}

func newEnv(t *testing.T, options ...option) *env {
	t.Helper()
	server := apiserver.ForTest(t)
	e := &env{t: t, admin: server.Client, faults: &faults{}}
	config := rest.CopyConfig(server.Config)
	config.QPS, config.Burst = 1000, 1000
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		e.faults.next = next
		return e.faults
	})
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	e.log = testkit.NewLog(t)
	log := e.log.Logger()
	if e.cluster, err = cluster.New(client, "", status.CachedFields, log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var informer sync.WaitGroup
	informer.Go(func() { e.cluster.Run(ctx) })

	o := lifecycle.Options{
		Translate:     translate.Options{Scope: scope.Scope{Prefix: fmt.Sprintf("t%08x", rand.Uint32()), Instance: "test"}},
		CreateTimeout: 30 * time.Second,
		Log:           log,
	}
	for _, option := range options {
		option(&o)
	}
	e.namespace = o.Translate.Scope.RemoteNamespace("demo")
	e.options = o
	e.Lifecycle = lifecycle.New(e.cluster, o)
	e.SetNamespaceMemory(time.Hour) // so that a slow machine changes no test
	t.Cleanup(func() {
		closing, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		e.Close(closing)
		cancel()
		informer.Wait()
	})
	e.eventually("the pod cache is filled", e.cluster.Synced)
	return e
}

// eventually waits until a condition holds.
func (e *env) eventually(what string, condition func() bool) {
	e.t.Helper()
	testkit.Eventually(e.t, what, condition)
}

// fullRequest returns a create request for a pod with a ConfigMap, a Secret and a claim.
func fullRequest() *wire.CreateRequest {
	uid := uuid.NewUUID()
	return &wire.CreateRequest{
		Pod: corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: "pod", Namespace: "demo", UID: uid,
				Annotations: map[string]string{
					"interlink.io/remote-pvc":                     "data-" + string(uid),
					"interlink.io/remote-pvc.data-" + string(uid): `{"storage":"1Gi","retentionPolicy":"delete"}`,
				},
			},
			Spec: corev1.PodSpec{
				Volumes: []corev1.Volume{
					{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}}},
					{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "secret"}}},
					{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-" + string(uid)}}},
				},
				Containers: []corev1.Container{{
					Name: "main", Image: "busybox",
					VolumeMounts: []corev1.VolumeMount{
						{Name: "config", MountPath: "/config"}, {Name: "secret", MountPath: "/secret"}, {Name: "data", MountPath: "/data"},
					},
				}},
			},
		},
		Containers: []wire.ContainerVolumes{{
			Name:       "main",
			ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: "demo"}, Data: map[string]string{"key": "value"}}},
			Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "secret", Namespace: "demo"}, Data: map[string][]byte{"key": []byte("value")}}},
		}},
	}
}

// plainRequest returns a create request for a pod without other objects.
func plainRequest() *wire.CreateRequest {
	r := fullRequest()
	r.Pod.Annotations, r.Pod.Spec.Volumes, r.Pod.Spec.Containers[0].VolumeMounts, r.Containers = nil, nil, nil, nil
	return r
}

// claimOf returns the name of the request's claim.
func claimOf(r *wire.CreateRequest) string { return "data-" + string(r.Pod.UID) }

// remaining lists the objects of a local pod in the remote namespace: those with the
// label of its UID, and its claim. This API server has no kubelet and no controller: so
// it leaves out objects that are being deleted, and those whose owner does not exist,
// which the garbage collector deletes.
func (e *env) remaining(r *wire.CreateRequest) []string {
	e.t.Helper()
	ctx := context.Background()
	byUID := metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))}
	core := e.admin.CoreV1()
	var names []string
	owners := map[types.UID]bool{}
	add := func(kind string, meta metav1.ObjectMeta) {
		ownerless := len(meta.OwnerReferences) > 0 &&
			!slices.ContainsFunc(meta.OwnerReferences, func(owner metav1.OwnerReference) bool { return owners[owner.UID] })
		if meta.DeletionTimestamp == nil && !ownerless {
			names = append(names, kind+" "+meta.Name)
		}
	}
	pods, err := core.Pods(e.namespace).List(ctx, byUID)
	e.must(err)
	for _, o := range pods.Items {
		owners[o.UID] = o.DeletionTimestamp == nil
		add("pod", o.ObjectMeta)
	}
	configMaps, err := core.ConfigMaps(e.namespace).List(ctx, byUID)
	e.must(err)
	for _, o := range configMaps.Items {
		add("configmap", o.ObjectMeta)
	}
	secrets, err := core.Secrets(e.namespace).List(ctx, byUID)
	e.must(err)
	for _, o := range secrets.Items {
		add("secret", o.ObjectMeta)
	}
	services, err := core.Services(e.namespace).List(ctx, byUID)
	e.must(err)
	for _, o := range services.Items {
		add("service", o.ObjectMeta)
	}
	claims, err := core.PersistentVolumeClaims(e.namespace).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + claimOf(r)})
	e.must(err)
	for _, o := range claims.Items {
		add("claim", o.ObjectMeta)
	}
	return names
}

// forceDelete deletes an object that remaining lists, in spite of its finalizers.
func (e *env) forceDelete(listed string) {
	e.t.Helper()
	ctx, core := context.Background(), e.admin.CoreV1()
	kind, name, _ := strings.Cut(listed, " ")
	switch kind {
	case "pod":
		e.must(core.Pods(e.namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
	case "configmap":
		e.must(core.ConfigMaps(e.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	case "secret":
		e.must(core.Secrets(e.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	case "claim":
		claim, err := core.PersistentVolumeClaims(e.namespace).Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		e.must(err)
		// The patch ends a claim that is being deleted: then a create can have made another one.
		err = core.PersistentVolumeClaims(e.namespace).Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(claim.UID)))
		if !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			e.must(err)
		}
	}
}

func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// fullCount is the number of objects of a [fullRequest].
const fullCount = 4

func (e *env) remotePod(r *wire.CreateRequest) *corev1.Pod {
	e.t.Helper()
	list, err := e.admin.CoreV1().Pods(e.namespace).List(context.Background(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))})
	e.must(err)
	if len(list.Items) != 1 {
		e.t.Fatalf("%d remote pods, want 1", len(list.Items))
	}
	return &list.Items[0]
}

// createNamespace creates the remote namespace, so that the plugin need not.
func (e *env) createNamespace() {
	e.t.Helper()
	_, err := e.admin.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}, metav1.CreateOptions{})
	e.must(err)
}

// localPod returns the local pod, as in the body of a status or a delete.
func localPod(r *wire.CreateRequest, jid string) corev1.Pod {
	pod := *r.Pod.DeepCopy()
	if jid != "" {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[wire.AnnotationJobID] = jid
	}
	return pod
}
