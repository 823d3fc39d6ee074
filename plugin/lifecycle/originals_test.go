package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// recordingCluster is an empty remote cluster that keeps the pods which are created; with a
// quota, it refuses them.
type recordingCluster struct {
	emptyCluster
	quota   error
	created chan *corev1.Pod
}

func (c recordingCluster) Create(_ context.Context, object metav1.Object) (metav1.Object, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		if c.quota != nil {
			return nil, c.quota
		}
		c.created <- pod.DeepCopy()
	}
	return object, nil
}

func (recordingCluster) RemoveGate(context.Context, *corev1.Pod, string) error { return nil }

// unfilledRequest returns the request of a pod with a variable from a label, which arrived
// empty.
func unfilledRequest() *wire.CreateRequest {
	r := plainRequest()
	r.Pod.Labels = map[string]string{"tier": "front"}
	r.Pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(
		`{"f:spec":{"f:containers":{"k:{\"name\":\"` + r.Pod.Spec.Containers[0].Name + `\"}":{"f:env":{"k:{\"name\":\"TIER\"}":{"f:valueFrom":{"f:fieldRef":{}}}}}}}}`)}}
	r.Pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TIER"}}
	return r
}

// originalOf returns the pod of a request as the user wrote it.
func originalOf(r *wire.CreateRequest) *corev1.Pod {
	pod := r.Pod.DeepCopy()
	pod.Spec.Containers[0].Env[0].ValueFrom = &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['tier']"}}
	return pod
}

// inBubble runs a test with a virtual clock.
func inBubble(t *testing.T, cluster recordingCluster, options lifecycle.Options, test func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster)) {
	synctest.Test(t, func(t *testing.T) {
		cluster.created = make(chan *corev1.Pod, 2)
		if options.CreateTimeout == 0 {
			options.CreateTimeout = 100 * time.Second
		}
		options.Log = slog.New(slog.DiscardHandler)
		l := lifecycle.New(cluster, options)
		defer l.Close(t.Context())
		test(t, l, cluster)
	})
}

func value(t *testing.T, cluster recordingCluster) string {
	t.Helper()
	select {
	case pod := <-cluster.created:
		return pod.Spec.Containers[0].Env[0].Value
	default:
		t.Fatal("no pod was created")
		return ""
	}
}

// A create waits until a status request brings the pod as the user wrote it, and holds no
// turn meanwhile. Status requests of other pods are of no interest.
func TestCreateWaitsForTheOriginal(t *testing.T) {
	inBubble(t, recordingCluster{}, lifecycle.Options{}, func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster) {
		r := unfilledRequest()
		done := make(chan error, 1)
		begin := time.Now()
		go func() { _, err := l.Create(t.Context(), r); done <- err }()
		synctest.Wait()
		if !l.NeedsOriginal(r.Pod.UID) || l.NeedsOriginal("other") || l.HeldCreates() != 0 || len(cluster.created) != 0 {
			t.Fatalf("the create does not wait: needs the original %t, %d creates have begun", l.NeedsOriginal(r.Pod.UID), l.HeldCreates())
		}
		states, err := l.Status(t.Context(), []corev1.Pod{r.Pod})
		if err != nil || len(states) != 1 || states[0].Containers[0].State.Waiting == nil {
			t.Errorf("the status of a pod whose create waits is %+v, %v", states, err)
		}
		l.HandOver(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "other"}})
		synctest.Wait()
		if len(cluster.created) != 0 {
			t.Fatal("the original of another pod ends the wait")
		}
		time.Sleep(4 * time.Second)
		l.HandOver(originalOf(r))
		l.HandOver(originalOf(r)) // one more is of no interest
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited != 4*time.Second {
			t.Errorf("the create took %s", waited)
		}
		if got := value(t, cluster); got != "front" {
			t.Errorf("the variable has the value %q", got)
		}
		if l.NeedsOriginal(r.Pod.UID) || r.Original != nil {
			t.Error("something is left of the wait, or the caller's request was changed")
		}
	})
}

// Without a status request, the create goes on after a while.
func TestCreateDoesNotWaitForEver(t *testing.T) {
	for _, test := range []struct{ timeout, want time.Duration }{{100 * time.Second, 15 * time.Second}, {10 * time.Second, 2 * time.Second}} {
		inBubble(t, recordingCluster{}, lifecycle.Options{CreateTimeout: test.timeout}, func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster) {
			begin, r := time.Now(), unfilledRequest()
			if _, err := l.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(begin); waited != test.want {
				t.Errorf("with a create timeout of %s, the create took %s", test.timeout, waited)
			}
			if pod := <-cluster.created; pod.Annotations[wire.AnnotationWarnings] == "" || pod.Spec.Containers[0].Env[0].Value != "" {
				t.Errorf("the pod has no warning: %v", pod.Annotations)
			}
			if l.NeedsOriginal(r.Pod.UID) {
				t.Error("something is left of the wait")
			}
		})
	}
}

// Other pods do not wait, and a body cannot bring its own original.
func TestCreateDoesNotWait(t *testing.T) {
	inBubble(t, recordingCluster{}, lifecycle.Options{}, func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster) {
		begin, r := time.Now(), unfilledRequest()
		r.Pod.ManagedFields = nil
		r.Pod.Spec.Containers[0].Env[0].Value = "written" // an empty one could be a field (ENV-14)
		r.Original = []wire.OriginalContainer{{Name: r.Pod.Spec.Containers[0].Name, Env: originalOf(r).Spec.Containers[0].Env}}
		if _, err := l.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("the create took %s", waited)
		}
		if got := value(t, cluster); got != "written" {
			t.Errorf("the variable has the value %q", got)
		}
	})
}

// The server holds room for a large request until its create has ended, so a large one does not
// wait: it would keep the creates of others out.
func TestLargeCreatesDoNotWaitForTheOriginal(t *testing.T) {
	half := strings.Repeat("x", 30<<10)
	configMap := func(data string) corev1.ConfigMap {
		return corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"k": data}}
	}
	secret := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"k": []byte(half)}}
	for _, test := range []struct {
		name       string
		containers wire.ContainerVolumes
		script     string
		waits      bool
	}{
		{"small objects", wire.ContainerVolumes{ConfigMaps: []corev1.ConfigMap{configMap("small")}, Secrets: []corev1.Secret{secret}}, "", true},
		{"a large ConfigMap", wire.ContainerVolumes{ConfigMaps: []corev1.ConfigMap{configMap(strings.Repeat(half, 3))}}, "", false},
		{"two copies", wire.ContainerVolumes{ConfigMaps: []corev1.ConfigMap{configMap(half + "xxxxx"), configMap(half + strings.Repeat("x", 8<<10))}}, "", false},
		{"Secrets", wire.ContainerVolumes{Secrets: []corev1.Secret{secret, secret, secret}}, "", false},
		{"files of projected volumes", wire.ContainerVolumes{ProjectedVolumeMaps: []corev1.ConfigMap{configMap(strings.Repeat(half, 3))}}, "", false},
		{"a script", wire.ContainerVolumes{}, strings.Repeat(half, 3), false},
	} {
		inBubble(t, recordingCluster{}, lifecycle.Options{}, func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster) {
			begin, r := time.Now(), unfilledRequest()
			test.containers.Name = r.Pod.Spec.Containers[0].Name
			r.Containers, r.JobScript = []wire.ContainerVolumes{test.containers}, test.script
			if _, err := l.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(begin) != 0; waited != test.waits {
				t.Errorf("%s: the create took %s", test.name, time.Since(begin))
			}
			if pod := <-cluster.created; !strings.Contains(pod.Annotations[wire.AnnotationWarnings], "TIER") {
				t.Errorf("%s: the warnings are %q", test.name, pod.Annotations[wire.AnnotationWarnings])
			}
		})
	}
}

// A delete ends the wait.
func TestDeleteEndsTheWaitForTheOriginal(t *testing.T) {
	inBubble(t, recordingCluster{}, lifecycle.Options{}, func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster) {
		r := unfilledRequest()
		done := make(chan error, 1)
		go func() { _, err := l.Create(t.Context(), r); done <- err }()
		synctest.Wait()
		begin := time.Now()
		if err := l.Delete(t.Context(), &r.Pod); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errdefs.Is(err, errdefs.Canceled) || time.Since(begin) != 0 || len(cluster.created) != 0 {
			t.Errorf("after %s, the create returned %v", time.Since(begin), err)
		}
	})
}

// keptRequests keeps the requests of pods that wait for a quota.
type keptRequests struct {
	lifecycle.WaitingPods
	kept []*wire.CreateRequest
}

func (k *keptRequests) Accept(_ context.Context, request *wire.CreateRequest, _ error) error {
	k.kept = append(k.kept, request)
	return nil
}

func (k *keptRequests) Cached(*corev1.Pod) (status.Waiting, bool) { return status.Waiting{}, false }

// The request of a pod that waits for a quota is stored with what the create has learned, and a
// create of it does not wait again.
func TestStoredRequestKeepsTheOriginal(t *testing.T) {
	kept := &keptRequests{}
	cluster := recordingCluster{quota: errdefs.Wrap(errdefs.OverQuota, errors.New("exceeded quota"))}
	inBubble(t, cluster, lifecycle.Options{Waiting: kept}, func(t *testing.T, l *lifecycle.Lifecycle, _ recordingCluster) {
		r := unfilledRequest()
		done := make(chan error, 1)
		go func() { _, err := l.Create(t.Context(), r); done <- err }()
		synctest.Wait()
		l.HandOver(originalOf(r))
		if err := <-done; err != nil || len(kept.kept) != 1 {
			t.Fatalf("%d requests are kept; create returned %v", len(kept.kept), err)
		}
	})
	inBubble(t, recordingCluster{}, lifecycle.Options{}, func(t *testing.T, l *lifecycle.Lifecycle, cluster recordingCluster) {
		begin := time.Now()
		err := l.CreateStored(t.Context(), kept.kept[0], func(context.Context) (bool, error) { return true, nil })
		if got := value(t, cluster); err != nil || got != "front" || time.Since(begin) != 0 {
			t.Errorf("after %s, the variable has the value %q; error %v", time.Since(begin), got, err)
		}
	})
}
