//go:build e2e

package suite

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

var measure = flag.Bool("measure", false, "measure how long kubelets wait for the objects of a pod, which takes minutes")

const (
	// measuredPods are created in each round. A node of kind has room for 110.
	measuredPods = 60
	// measuredRounds is how often each way to create pods is measured, in turns.
	measuredRounds = 3
	// creationInterval is the time between two creates: 10 a second.
	creationInterval = 100 * time.Millisecond
)

// TestKubeletWaits prints how often and how long the kubelet waits for the ConfigMap and
// the Secret of a pod that was created first, at 10 creates a second:
//
//	make e2e TESTFLAGS='-measure -test.run=TestKubeletWaits'
func TestKubeletWaits(t *testing.T) {
	if !*measure {
		t.Skip("-measure is not set")
	}
	if err := testEnv.remote.createNamespace(testEnv.ctx, measuredNamespace); err != nil {
		t.Fatal(err)
	}
	t.Run("creates", measureCreates)
	t.Run("late Secrets", measureLateSecrets)
}

const measuredNamespace = "offloading-waits"

// wayToCreate is one way to create a pod with a ConfigMap and a Secret.
type wayToCreate struct {
	name      string
	namespace string
	create    func(ctx context.Context, name string) error
	deleteAll func()
	waits     []startup
}

// startup says how a pod started.
type startup struct {
	scheduled, started time.Time // when a watch showed it
	failedMounts       int       // events of the kubelet
	notFound           int       // those about an object that does not exist
}

func (s startup) duration() time.Duration { return s.started.Sub(s.scheduled) }

func measureCreates(t *testing.T) {
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide, "OFFLOADING_NAMESPACE_PREFIX="+measuredNamespace).address)
	l.Apply(interlink.Objects{
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "settings", Namespace: "default"}, Data: map[string]string{"color": "blue"}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "login", Namespace: "default"}, Data: map[string][]byte{"user": []byte("ada")}}},
	})
	var mu sync.Mutex
	var created []string
	ways := []*wayToCreate{
		{name: "objects first", namespace: measuredNamespace, create: objectsFirst, deleteAll: func() { deleteMeasured(t) }},
		{name: "pod first", namespace: measuredNamespace, create: podFirst, deleteAll: func() { deleteMeasured(t) }},
		{name: "pod first, with a gate", namespace: measuredNamespace, create: podFirstGated, deleteAll: func() { deleteMeasured(t) }},
		{name: "the plugin", namespace: measuredNamespace + "-default", create: func(ctx context.Context, name string) error {
			mu.Lock()
			created = append(created, name)
			mu.Unlock()
			return l.Create(ctx, measuredPod(name))
		}, deleteAll: func() {
			for _, name := range created {
				l.remove(name)
			}
			created = nil
		}},
	}
	if err := testEnv.remote.createNamespace(testEnv.ctx, measuredNamespace+"-default"); err != nil {
		t.Fatal(err)
	}
	for round := range measuredRounds {
		for i, way := range ways {
			way.waits = append(way.waits, measureStartups(t, way, fmt.Sprintf("m%d-%d-", round, i))...)
			way.deleteAll()
			eventually(t, "the measured pods are deleted", func(ctx context.Context) error {
				list, err := testEnv.remote.client.CoreV1().Pods(way.namespace).List(ctx, metav1.ListOptions{Limit: 1})
				if err == nil && len(list.Items) > 0 {
					err = fmt.Errorf("pod %s exists", list.Items[0].Name)
				}
				return err
			})
		}
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\nway\tpods\twith FailedMount\tbecause not found\tscheduled to started: median\tp90\tp99\tlongest\t")
	for _, way := range ways {
		slices.SortFunc(way.waits, func(a, b startup) int { return cmp.Compare(a.duration(), b.duration()) })
		failed, notFound := 0, 0 // pods
		for _, w := range way.waits {
			failed += min(w.failedMounts, 1)
			notFound += min(w.notFound, 1)
		}
		at := func(share float64) time.Duration {
			return way.waits[int(share*float64(len(way.waits)-1))].duration().Round(10 * time.Millisecond)
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", way.name, len(way.waits), failed, notFound, at(0.5), at(0.9), at(0.99), at(1))
	}
	_ = table.Flush() // to memory
	t.Log(text.String())
}

// measureStartups creates pods at a steady pace and waits until all have ended.
func measureStartups(t *testing.T, way *wayToCreate, prefix string) []startup {
	t.Helper()
	pods := testEnv.remote.client.CoreV1().Pods(way.namespace)
	watcher, err := pods.Watch(testEnv.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	ctx, cancel := context.WithTimeout(testEnv.ctx, waitTimeout)
	defer cancel()
	var creates errgroup.Group
	creates.Go(func() error {
		pace := time.NewTicker(creationInterval)
		defer pace.Stop()
		for i := range measuredPods {
			<-pace.C
			creates.Go(func() error { return way.create(ctx, fmt.Sprintf("%s%d", prefix, i)) })
		}
		return nil
	})
	startups := collectStartups(t, ctx, watcher, prefix, measuredPods)
	if err := creates.Wait(); err != nil {
		t.Fatal(err)
	}
	return withFailedMounts(t, way.namespace, startups)
}

// collectStartups reads a watch until a number of pods whose names have a prefix have
// started.
func collectStartups(t *testing.T, ctx context.Context, watcher watch.Interface, prefix string, pods int) map[types.UID]startup {
	t.Helper()
	startups, started := map[types.UID]startup{}, 0
	for started < pods {
		select {
		case event, open := <-watcher.ResultChan():
			pod, ok := event.Object.(*corev1.Pod)
			if !open || !ok {
				t.Fatalf("the watch ended with %+v", event)
			}
			if !strings.HasPrefix(pod.Name, prefix) {
				continue
			}
			s := startups[pod.UID]
			if s.scheduled.IsZero() && pod.Spec.NodeName != "" {
				s.scheduled = time.Now()
			}
			if s.started.IsZero() && len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Waiting == nil {
				s.started = time.Now()
				started++
			}
			startups[pod.UID] = s
		case <-ctx.Done():
			t.Fatalf("%d of %d pods have started: %v", started, pods, ctx.Err())
		}
	}
	return startups
}

// withFailedMounts adds the kubelet's events about volumes that it could not mount.
func withFailedMounts(t *testing.T, namespace string, startups map[types.UID]startup) []startup {
	t.Helper()
	events, err := testEnv.remote.client.CoreV1().Events(namespace).List(testEnv.ctx, metav1.ListOptions{FieldSelector: "reason=FailedMount"})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		if s, ok := startups[event.InvolvedObject.UID]; ok {
			s.failedMounts += int(max(event.Count, 1))
			if strings.Contains(event.Message, "not found") {
				s.notFound += int(max(event.Count, 1))
			}
			startups[event.InvolvedObject.UID] = s
		}
	}
	var all []startup
	for _, s := range startups {
		all = append(all, s)
	}
	return all
}

// measuredPod returns a pod that mounts a ConfigMap and a Secret.
func measuredPod(name string) *corev1.Pod {
	return shellPod(name, "true", func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}},
			{Name: "login", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "login"}}},
		}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "settings", MountPath: "/settings"}, {Name: "login", MountPath: "/login"}}
	})
}

// ownPod returns a measured pod with objects of its own.
func ownPod(name string) *corev1.Pod {
	pod := measuredPod(name)
	pod.Spec.Volumes[0].ConfigMap.Name = name
	pod.Spec.Volumes[1].Secret.SecretName = name
	return pod
}

func objectsFirst(ctx context.Context, name string) error {
	if err := createObjects(ctx, metav1.ObjectMeta{Name: name}); err != nil {
		return err
	}
	_, err := testEnv.remote.client.CoreV1().Pods(measuredNamespace).Create(ctx, ownPod(name), metav1.CreateOptions{})
	return err
}

func podFirst(ctx context.Context, name string) error {
	pod, err := testEnv.remote.client.CoreV1().Pods(measuredNamespace).Create(ctx, ownPod(name), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return createObjects(ctx, ownedBy(pod))
}

func podFirstGated(ctx context.Context, name string) error {
	pod := ownPod(name)
	pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: wire.GateDependents}}
	pods := testEnv.remote.client.CoreV1().Pods(measuredNamespace)
	pod, err := pods.Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := createObjects(ctx, ownedBy(pod)); err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q},"spec":{"schedulingGates":[{"$patch":"delete","name":%q}]}}`, pod.UID, wire.GateDependents)
	_, err = pods.Patch(ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// ownedBy returns the metadata of an object that has the name of a pod and belongs to it.
func ownedBy(pod *corev1.Pod) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: pod.Name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}}}
}

// createObjects creates a ConfigMap and a Secret side by side.
func createObjects(ctx context.Context, meta metav1.ObjectMeta) error {
	core := testEnv.remote.client.CoreV1()
	var both errgroup.Group
	both.Go(func() error {
		_, err := core.ConfigMaps(measuredNamespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"color": "blue"}}, metav1.CreateOptions{})
		return err
	})
	both.Go(func() error {
		_, err := core.Secrets(measuredNamespace).Create(ctx, &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"user": []byte("ada")}}, metav1.CreateOptions{})
		return err
	})
	return both.Wait()
}

// deleteMeasured deletes all that was created without the plugin.
func deleteMeasured(t *testing.T) {
	t.Helper()
	if _, err := testEnv.remote.run(afterTest(), "-n", measuredNamespace, "delete", "pods,secrets,configmaps", "--all", "--wait=false"); err != nil {
		t.Error(err)
	}
}
