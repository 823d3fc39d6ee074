package quotawait_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// env is a remote namespace with a quota, on an API server with its controllers.
type env struct {
	t         *testing.T
	server    *apiserver.Server
	admin     *kubernetes.Clientset
	local     string // the local namespace
	namespace string // the remote one
	log       *testkit.Log
}

func newEnv(t *testing.T, hard string) *env {
	t.Helper()
	server := apiserver.ForTestWithControllers(t)
	e := &env{t: t, server: server, admin: server.Client, log: testkit.NewLog(t)}
	e.namespace = server.Namespace(t)
	e.local = "local-" + e.namespace
	testkit.Eventually(t, "the namespace has a service account", func() bool {
		_, err := e.admin.CoreV1().ServiceAccounts(e.namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	e.setQuota(hard)
	return e
}

func quantities(t *testing.T, list string) corev1.ResourceList {
	t.Helper()
	result := corev1.ResourceList{}
	for item := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(item, "=")
		result[corev1.ResourceName(name)] = resource.MustParse(value)
	}
	return result
}

// setQuota creates or changes the quota, for example to "pods=1", and waits until it is in
// effect.
func (e *env) setQuota(hard string) {
	e.t.Helper()
	quotas := e.admin.CoreV1().ResourceQuotas(e.namespace)
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "quota"}, Spec: corev1.ResourceQuotaSpec{Hard: quantities(e.t, hard+",services=0")}}
	_, err := quotas.Create(e.t.Context(), quota, metav1.CreateOptions{})
	if err != nil {
		testkit.EventuallyNoError(e.t.Context(), e.t, testkit.Timeout, "the quota is changed", func(ctx context.Context) error {
			found, err := quotas.Get(ctx, "quota", metav1.GetOptions{})
			if err != nil {
				return err
			}
			found.Spec = quota.Spec
			_, err = quotas.Update(ctx, found, metav1.UpdateOptions{})
			return err
		})
	}
	testkit.Eventually(e.t, "the quota is calculated", func() bool {
		found, err := quotas.Get(e.t.Context(), "quota", metav1.GetOptions{})
		e.must(err)
		for name, want := range quota.Spec.Hard {
			if got, ok := found.Status.Hard[name]; !ok || got.Cmp(want) != 0 {
				return false
			}
		}
		return len(found.Status.Hard) == len(quota.Spec.Hard)
	})
	testkit.Eventually(e.t, "the quota refuses what it must", func() bool { // the API server learns of it a moment later
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "probe"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		_, err := e.admin.CoreV1().Services(e.namespace).Create(e.t.Context(), service, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err != nil && strings.Contains(err.Error(), "exceeded quota")
	})
}

func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// replica is one process of the plugin.
type replica struct {
	*lifecycle.Lifecycle
	env     *env
	waiting *quotawait.Waiting
	link    *link
	stop    func() // as SIGTERM does
}

type settings struct {
	options lifecycle.Options
	waiting quotawait.Options
	config  *rest.Config
	hold    time.Duration
	// unlisted is true if the markers cannot be listed, or, with idle, are not listed yet.
	unlisted bool
	// idle is true if the replica creates no pod that waits.
	idle bool
	// forget is true if the markers of failed creates go at once.
	forget bool
	// endBlocks is true if pods that block each other fail soon.
	endBlocks bool
	// choose lets requests fail.
	choose func(n int, call string) faulty.Fault
}

// replicaLog is the log of a replica. A killed one logs nothing any more: its test may have ended.
type replicaLog struct {
	link *link
	log  *testkit.Log
}

func (l replicaLog) Write(line []byte) (int, error) {
	if l.link.isDead() {
		return len(line), nil
	}
	return l.log.Write(line)
}

func (e *env) start(change ...func(*settings)) *replica {
	e.t.Helper()
	s := settings{hold: 5 * time.Minute, config: rest.CopyConfig(e.server.Config)}
	l := &link{}
	s.options = lifecycle.Options{
		Translate:     translate.Options{Scope: scope.Scope{Namespace: e.namespace, Instance: e.namespace}},
		CreateTimeout: 30 * time.Second, Log: slog.New(slog.NewTextHandler(replicaLog{l, e.log}, nil)),
	}
	s.waiting = quotawait.Options{Accept: true, CreateTimeout: s.options.CreateTimeout, Log: s.options.Log}
	for _, c := range change {
		c(&s)
	}
	s.waiting.Scope = s.options.Translate.Scope
	s.waiting.Claims = func(pod *corev1.Pod) []string { return translate.ClaimNames(pod, s.options.Translate.ClaimRules) }
	l.choose = s.choose
	r := &replica{env: e, link: l}
	s.config.QPS, s.config.Burst = 1000, 1000
	s.config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		r.link.next = next
		return r.link
	})
	client, err := kubernetes.NewForConfig(s.config)
	e.must(err)
	remote, err := cluster.New(client, s.options.Translate.Scope.Namespace, status.CachedFields, s.options.Log)
	e.must(err)
	r.waiting = quotawait.New(remote, s.waiting)
	r.waiting.Shorten(s.hold)
	if s.forget {
		r.waiting.ForgetFailures()
	}
	if s.endBlocks {
		r.waiting.EndBlocks()
	}
	s.options.Waiting = r.waiting
	r.Lifecycle = lifecycle.New(remote, s.options)
	e.must(remote.OnPodChange(r.HandlePodChange, func(pod *corev1.Pod, _ bool) { r.HandlePodGone(pod) }))

	ctx, cancel := context.WithCancel(context.Background())
	watching, endWatch := context.WithCancel(context.Background())
	var waiting, cache sync.WaitGroup
	cache.Go(func() { remote.Run(watching) })
	switch {
	case s.idle && s.unlisted:
	case s.idle:
		e.must(r.waiting.List(ctx))
	default:
		waiting.Go(func() { r.waiting.Run(ctx, r.Lifecycle) })
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if r.link.isDead() { // none of its requests arrives any more, so nothing is waited for
			endWatch()
			return
		}
		waiting.Wait()
		closing, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		r.Close(closing)
		endWatch()
		cache.Wait()
	})
	e.t.Cleanup(r.stop)
	r.link.onDeath(cancel)
	testkit.Eventually(e.t, "the pod cache is filled", remote.Synced)
	if s.unlisted {
		return r
	}
	testkit.Eventually(e.t, "the markers are listed", func() bool {
		return !r.waiting.MayWait(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "none", Namespace: e.local, UID: "none"}})
	})
	return r
}

// request returns a create request for a pod; full adds a ConfigMap and a Secret.
func (e *env) request(name string, full bool) *wire.CreateRequest {
	uid := string(uuid.NewUUID())
	r := &wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: e.local, UID: types.UID(uid)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}}
	if !full {
		return r
	}
	r.Pod.Spec.Volumes = []corev1.Volume{
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}}},
		{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "secret"}}},
	}
	r.Pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{
		{Name: "config", MountPath: "/config"}, {Name: "secret", MountPath: "/secret"},
	}
	r.Containers = []wire.ContainerVolumes{{
		Name:       "main",
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: e.local}, Data: map[string]string{"key": "value"}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "secret", Namespace: e.local}, Data: map[string][]byte{"key": []byte("value")}}},
	}}
	return r
}
