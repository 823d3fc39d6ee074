package bench

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// The local namespaces of the cached pods, and the remote ones of the default configuration.
const (
	fewLocal, fewRemote   = "few", "offloading-few"
	manyLocal, manyRemote = "many", "offloading-many"
)

// cachedPods are pods that run in the remote cluster, and that the lines about the pod cache share. They
// stay until the API server ends.
type cachedPods struct {
	few, many []cachedPod
}

// cachedPod is a pod that runs.
type cachedPod struct {
	// local is the pod in a status call, as the virtual kubelet stores it.
	local json.RawMessage
	// namespace and name are those of the remote pod. The pod itself is not kept: the garbage collector of
	// this process would look at all its fields while something is measured.
	namespace, name string
}

// total returns the number of pods in the cache of a plugin with the default configuration.
func (c *cachedPods) total() int { return len(c.few) + len(c.many) }

// statusBody returns the body of a status call for pods.
func statusBody(pods ...cachedPod) []byte {
	list := make([]json.RawMessage, len(pods))
	for i := range pods {
		list[i] = pods[i].local
	}
	body, err := json.Marshal(list)
	if err != nil {
		panic(err) // impossible: each was encoded before
	}
	return body
}

// cachedPods creates the pods at the first call.
func (b *Bench) cachedPods(ctx context.Context) (*cachedPods, error) {
	if b.cached != nil {
		return b.cached, nil
	}
	b.options.Log("creating %d pods", b.sizes.Few+b.sizes.Many)
	var c cachedPods
	var err error
	if c.few, err = b.runPods(ctx, fewLocal, fewRemote, b.sizes.Few); err != nil {
		return nil, err
	}
	if c.many, err = b.runPods(ctx, manyLocal, manyRemote, b.sizes.Many); err != nil {
		return nil, err
	}
	b.cached = &c
	return b.cached, nil
}

// runPods creates remote pods and writes their statuses as a kubelet would. What the pods mount is not
// created: no plugin looks at it.
func (b *Bench) runPods(ctx context.Context, local, remote string, count int) ([]cachedPod, error) {
	if err := b.bareNamespace(ctx, remote); err != nil {
		return nil, err
	}
	pods := make([]cachedPod, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range pods {
		group.Go(func() (err error) {
			pods[i], err = b.runPod(ctx, local, fmt.Sprintf("training-step-%d", i))
			return err
		})
	}
	return pods, group.Wait()
}

func (b *Bench) runPod(ctx context.Context, namespace, name string) (cachedPod, error) {
	manifest, objects := realisticPod(namespace, name)
	admitted := interlink.Admit(manifest, interlink.Options{})
	request, err := interlink.CreateRequest(admitted, interlink.AdmitObjects(objects, interlink.Options{}), interlink.Options{})
	if err != nil {
		return cachedPod{}, err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return cachedPod{}, err
	}
	wanted, err := remoteObjects(body)
	if err != nil {
		return cachedPod{}, err
	}
	wanted.Pod.Spec.NodeName = "worker-17.example.org"
	wanted.Pod.Spec.SchedulingGates = nil
	pods := b.client.CoreV1().Pods(wanted.Pod.Namespace)
	pod, err := pods.Create(ctx, wanted.Pod, metav1.CreateOptions{})
	if err != nil {
		return cachedPod{}, err
	}
	pod.Status = runningStatus(pod)
	if pod, err = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{FieldManager: "kubelet"}); err != nil {
		return cachedPod{}, err
	}
	// The plugin has answered with the states of these containers before.
	admitted.Status = interlink.WithInitialStatus(admitted, interlink.Options{}).Status
	admitted.Status.Phase = corev1.PodRunning
	admitted.Status.InitContainerStatuses = pod.Status.InitContainerStatuses
	admitted.Status.ContainerStatuses = pod.Status.ContainerStatuses
	local, err := json.Marshal(interlink.WithJobID(admitted, pod.Name))
	return cachedPod{local, pod.Namespace, pod.Name}, err
}
