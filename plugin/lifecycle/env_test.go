package lifecycle_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
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
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// env is a lifecycle on a real API server, with a remote namespace of its own
// and a transport that can be made to fail.
type env struct {
	*lifecycle.Lifecycle
	t *testing.T
	// admin sees the API server as it is, past the faults.
	admin     *kubernetes.Clientset
	faults    *faults
	cluster   *cluster.Cluster
	namespace string // remote
	options   lifecycle.Options
	log       *journal
}

// blind is a replica whose cache knows no pod yet.
type blind struct{ *cluster.Cluster }

func (blind) CachedPod(string) *corev1.Pod { return nil }

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
	e.log = &journal{t: t}
	log := slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if e.cluster, err = cluster.New(client, "", log); err != nil {
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

// journal keeps the log of the code under test, and shows it with the test's own.
type journal struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(line []byte) (int, error) {
	j.t.Log(strings.TrimSuffix(string(line), "\n"))
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// eventually waits for a condition that must come true; the generous limit only
// keeps a broken test from hanging.
func (e *env) eventually(what string, holds func() bool) {
	e.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	e.t.Fatalf("did not happen: %s", what)
}

// request is a create request for a pod that has one of everything.
func request() *wire.CreateRequest {
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

// plain is a create request for a pod that needs nothing.
func plain() *wire.CreateRequest {
	r := request()
	r.Pod.Annotations, r.Pod.Spec.Volumes, r.Pod.Spec.Containers[0].VolumeMounts, r.Containers = nil, nil, nil, nil
	return r
}

// claimOf returns the name of the request's claim.
func claimOf(r *wire.CreateRequest) string { return "data-" + string(r.Pod.UID) }

// left lists what stands in the remote namespace for a local pod: by the label
// of its UID, and its claim. What is only waiting for a kubelet or a controller
// to let go of it, which this API server has not, counts as gone.
func (e *env) left(r *wire.CreateRequest) []string {
	e.t.Helper()
	ctx := context.Background()
	byUID := metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))}
	core := e.admin.CoreV1()
	var names []string
	add := func(kind string, meta metav1.ObjectMeta) {
		if meta.DeletionTimestamp == nil {
			names = append(names, kind+" "+meta.Name)
		}
	}
	pods, err := core.Pods(e.namespace).List(ctx, byUID)
	e.must(err)
	for _, o := range pods.Items {
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
	claims, err := core.PersistentVolumeClaims(e.namespace).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + claimOf(r)})
	e.must(err)
	for _, o := range claims.Items {
		add("claim", o.ObjectMeta)
	}
	return names
}

// remove deletes what left lists, past all finalizers.
func (e *env) remove(listed string) {
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
		_, err := core.PersistentVolumeClaims(e.namespace).Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		e.must(err)
		if err := core.PersistentVolumeClaims(e.namespace).Delete(ctx, name, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
			e.must(err)
		}
	}
}

// undoing says whether the log tells of an undo that has not been done yet.
func (e *env) undoing() bool {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	text := e.log.text.String()
	return strings.Count(text, "undo failed") > strings.Count(text, "done at last")
}

func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// complete is what left lists while a request of [request] runs.
const complete = 4

func (e *env) remotePod(r *wire.CreateRequest) *corev1.Pod {
	e.t.Helper()
	list, err := e.admin.CoreV1().Pods(e.namespace).List(context.Background(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(r.Pod.UID))})
	e.must(err)
	if len(list.Items) != 1 {
		e.t.Fatalf("%d remote pods, want 1", len(list.Items))
	}
	return &list.Items[0]
}

// makeNamespace makes the remote namespace before any create does.
func (e *env) makeNamespace() {
	e.t.Helper()
	_, err := e.admin.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}, metav1.CreateOptions{})
	e.must(err)
}

// local returns the local pod as status and delete requests carry it.
func local(r *wire.CreateRequest, jid string) corev1.Pod {
	pod := *r.Pod.DeepCopy()
	if jid != "" {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[wire.AnnotationJobID] = jid
	}
	return pod
}
