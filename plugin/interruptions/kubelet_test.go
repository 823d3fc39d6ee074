package interruptions

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
)

// A kubelet is the one node of a site, and its scheduler. It starts each pod as soon as Kubernetes permits it: without
// scheduling gates, and with the volume sources that the kubelet waits for. A pod that it starts although an object
// that the pod names does not exist fails the test. It ends pods that are deleted, and has a log of each container.
type kubelet struct {
	site  *site
	node  string
	pods  cache.Store
	queue workqueue.TypedRateLimitingInterface[string]
}

func startKubelet(s *site) {
	s.t.Helper()
	k := &kubelet{site: s, node: "node-" + s.prefix, queue: workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](5*time.Millisecond, 50*time.Millisecond))}
	k.createNode()
	factory := informers.NewSharedInformerFactoryWithOptions(s.admin, 0, informers.WithNamespace(s.namespace))
	informer := factory.Core().V1().Pods().Informer()
	k.pods = informer.GetStore()
	add := func(o any) {
		if key, err := cache.MetaNamespaceKeyFunc(o); err == nil {
			k.queue.Add(key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, o any) { add(o) }})
	s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	factory.Start(ctx.Done())
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(k.work)
	}
	s.t.Cleanup(func() {
		k.queue.ShutDown()
		workers.Wait()
		cancel()
		factory.Shutdown()
	})
}

// createNode creates the node, on which the API server finds the logs.
func (k *kubelet) createNode() {
	logs := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/") // /containerLogs/NAMESPACE/POD/CONTAINER
		_, _ = fmt.Fprintf(w, "log of %s", parts[len(parts)-2])
	}))
	k.site.t.Cleanup(logs.Close)
	_, port, err := net.SplitHostPort(logs.Listener.Addr().String())
	k.site.must(err)
	number, err := strconv.Atoi(port)
	k.site.must(err)
	nodes := k.site.admin.CoreV1().Nodes()
	node, err := nodes.Create(context.Background(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: k.node}}, metav1.CreateOptions{})
	k.site.must(err)
	node.Status = corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(number)}},
	}
	_, err = nodes.UpdateStatus(context.Background(), node, metav1.UpdateOptions{})
	k.site.must(err)
}

func (k *kubelet) work() {
	for {
		key, shutdown := k.queue.Get()
		if shutdown {
			return
		}
		if o, exists, _ := k.pods.GetByKey(key); exists {
			if again := k.sync(o.(*corev1.Pod)); again {
				k.queue.AddRateLimited(key)
			} else {
				k.queue.Forget(key)
			}
		}
		k.queue.Done(key)
	}
}

// sync does the next step for a pod, and reports whether it must look at the pod again. Each step causes an event.
func (k *kubelet) sync(pod *corev1.Pod) (again bool) {
	ctx, pods := context.Background(), k.site.admin.CoreV1().Pods(pod.Namespace)
	var err error
	switch {
	case pod.DeletionTimestamp != nil:
		err = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	case strings.HasPrefix(pod.Name, neverStarted), len(pod.Spec.SchedulingGates) > 0:
		return false
	case pod.Spec.NodeName == "":
		err = pods.Bind(ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID}, Target: corev1.ObjectReference{Kind: "Node", Name: k.node}}, metav1.CreateOptions{})
	case pod.Status.Phase == corev1.PodPending:
		waits, missing := k.references(pod)
		if waits {
			return true
		}
		// The API server refuses the update if the pod has changed or does not exist any more.
		if _, err = pods.UpdateStatus(ctx, started(pod), metav1.UpdateOptions{}); err == nil && missing != "" {
			k.site.t.Errorf("pod %s starts without %s", pod.Name, missing)
		}
	}
	return err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err)
}

// started returns the pod with the status of one whose containers run.
func started(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	now := metav1.Now()
	pod.Status.Phase = corev1.PodRunning
	for _, c := range pod.Spec.InitContainers {
		pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", FinishedAt: now}}})
	}
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: ptr.To(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}})
	}
	return pod
}

// rootCA is in a volume of each pod, and a controller that does not run creates it.
const rootCA = "kube-root-ca.crt"

// references reports whether the kubelet waits for a volume source of a pod, or else which object that the pod names is
// missing.
func (k *kubelet) references(pod *corev1.Pod) (waits bool, missing string) {
	mounted := map[string]bool{}
	for _, c := range append(append([]corev1.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		for _, m := range c.VolumeMounts {
			mounted[m.Name] = true
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				missing += k.missing("configmaps", e.ValueFrom.ConfigMapKeyRef.Name)
			}
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				missing += k.missing("secrets", e.ValueFrom.SecretKeyRef.Name)
			}
		}
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				missing += k.missing("configmaps", e.ConfigMapRef.Name)
			}
			if e.SecretRef != nil {
				missing += k.missing("secrets", e.SecretRef.Name)
			}
		}
	}
	source := func(volume, resource, name string, optional *bool) {
		absent := k.missing(resource, name)
		if absent != "" && mounted[volume] && !ptr.Deref(optional, false) {
			waits = true
		}
		missing += absent
	}
	for _, v := range pod.Spec.Volumes {
		if v.ConfigMap != nil {
			source(v.Name, "configmaps", v.ConfigMap.Name, v.ConfigMap.Optional)
		}
		if v.Secret != nil {
			source(v.Name, "secrets", v.Secret.SecretName, v.Secret.Optional)
		}
		if v.Projected == nil {
			continue
		}
		for _, p := range v.Projected.Sources {
			if p.ConfigMap != nil && p.ConfigMap.Name != rootCA {
				source(v.Name, "configmaps", p.ConfigMap.Name, p.ConfigMap.Optional)
			}
			if p.Secret != nil {
				source(v.Name, "secrets", p.Secret.Name, p.Secret.Optional)
			}
		}
	}
	return waits, missing
}

// missing returns the name of a ConfigMap or Secret if it does not exist, and otherwise nothing.
func (k *kubelet) missing(resource, name string) string {
	var err error
	if core := k.site.admin.CoreV1(); resource == "secrets" {
		_, err = core.Secrets(k.site.namespace).Get(context.Background(), name, metav1.GetOptions{})
	} else {
		_, err = core.ConfigMaps(k.site.namespace).Get(context.Background(), name, metav1.GetOptions{})
	}
	if err != nil {
		return fmt.Sprintf("%s/%s (%v) ", resource, name, err)
	}
	return ""
}
