package quotawait_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// names returns the kinds and names of all objects in the remote namespace, apart from those
// that Kubernetes creates.
func (e *env) names() []string {
	e.t.Helper()
	ctx, core := context.Background(), e.admin.CoreV1()
	var names []string
	pods, err := core.Pods(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, o := range pods.Items {
		names = append(names, "pod "+o.Name)
	}
	configMaps, err := core.ConfigMaps(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, o := range configMaps.Items {
		names = append(names, "configmap "+o.Name)
	}
	secrets, err := core.Secrets(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, o := range secrets.Items {
		names = append(names, "secret "+o.Name)
	}
	claims, err := core.PersistentVolumeClaims(e.namespace).List(ctx, metav1.ListOptions{})
	e.must(err)
	for _, o := range claims.Items {
		if o.DeletionTimestamp == nil {
			names = append(names, "claim "+o.Name)
		}
	}
	slices.Sort(names)
	return names
}

// eventuallyHas waits until the remote namespace has exactly these objects.
func (e *env) eventuallyHas(want ...string) {
	e.t.Helper()
	slices.Sort(want)
	var got []string
	defer func() {
		if e.t.Failed() {
			e.t.Logf("the namespace has %v, want %v", got, want)
		}
	}()
	testkit.Eventually(e.t, fmt.Sprintf("the namespace has %v", want), func() bool {
		got = e.names()
		return slices.Equal(got, want)
	})
}

// jobID returns the name of the remote pod of a request.
func (e *env) jobID(r *wire.CreateRequest) string {
	return scope.Scope{Namespace: e.namespace}.Name(r.Pod.Name, string(r.Pod.UID))
}

// stored are the objects of a pod that waits, and created are those of one that exists.
func (e *env) stored(r *wire.CreateRequest) []string {
	return []string{"configmap " + e.jobID(r) + ".request", "secret " + e.jobID(r) + ".request"}
}

func (e *env) created(r *wire.CreateRequest) []string {
	s := scope.Scope{Namespace: e.namespace}
	names := []string{"pod " + e.jobID(r)}
	if len(r.Containers) > 0 {
		names = append(names, "configmap "+s.Name("config", string(r.Pod.UID)), "secret "+s.Name("secret", string(r.Pod.UID)))
	}
	return names
}

// end ends a remote pod that is not of the plugin's concern any more: it makes room.
func (e *env) end(r *wire.CreateRequest) {
	e.t.Helper()
	err := e.admin.CoreV1().Pods(e.namespace).Delete(context.Background(), e.jobID(r), metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	e.must(err)
}

// create creates a pod and returns its job ID.
func (r *replica) create(request *wire.CreateRequest) {
	r.env.t.Helper()
	answer, err := r.Create(r.env.t.Context(), request)
	r.env.must(err)
	if want := r.env.jobID(request); answer.PodJID != want || answer.PodUID != string(request.Pod.UID) {
		r.env.t.Errorf("the answer is %v, want the job ID %s", answer, want)
	}
}

// createFails lets a create fail and returns its error.
func (r *replica) createFails(request *wire.CreateRequest) error {
	r.env.t.Helper()
	answer, err := r.Create(r.env.t.Context(), request)
	if err == nil {
		r.env.t.Fatalf("the create returned %v", answer)
	}
	return err
}

// state returns the state of the first container in the status of a pod with a job ID.
func (r *replica) state(request *wire.CreateRequest) corev1.ContainerState {
	r.env.t.Helper()
	pod := request.Pod.DeepCopy()
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, wire.AnnotationJobID, r.env.jobID(request))
	answer, err := r.Status(r.env.t.Context(), []corev1.Pod{*pod})
	r.env.must(err)
	if len(answer) != 1 || answer[0].JID != r.env.jobID(request) || len(answer[0].Containers) != 1 {
		r.env.t.Fatalf("the status is %v", answer)
	}
	return answer[0].Containers[0].State
}

func (r *replica) expectWaiting(request *wire.CreateRequest) {
	r.env.t.Helper()
	state := r.state(request)
	if w := state.Waiting; w == nil || w.Reason != "QuotaExceeded" || !strings.Contains(w.Message, "is forbidden: exceeded quota: quota, requested: ") {
		r.env.t.Errorf("the state is %v", state)
	}
}

// remove deletes a local pod.
func (r *replica) remove(request *wire.CreateRequest) {
	r.env.t.Helper()
	pod := request.Pod.DeepCopy()
	pod.DeletionGracePeriodSeconds = new(int64) // no kubelet ends the pod
	r.env.must(r.Delete(context.Background(), pod))
}

// user returns the configuration of a user with the plugin's permissions, apart from those
// that contain a text.
func (e *env) user(name, without string) *rest.Config {
	e.t.Helper()
	account, err := e.server.AddUser(name)
	e.must(err)
	var rules []rbacv1.PolicyRule
	for _, p := range cluster.RequiredPermissions(e.namespace) {
		if !strings.Contains(p.String(), without) {
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{p.Group}, Resources: []string{p.Resource}, Verbs: []string{p.Verb}})
		}
	}
	e.must(e.server.Grant(e.t.Context(), name, e.namespace, rules...))
	client, err := kubernetes.NewForConfig(account.Config())
	e.must(err)
	testkit.Eventually(e.t, "the permissions are in effect", func() bool {
		_, err := client.CoreV1().Pods(e.namespace).List(e.t.Context(), metav1.ListOptions{})
		return err == nil
	})
	return account.Config()
}

// requestOf is a create request whose pod asks for resources.
type requestOf struct{ *wire.CreateRequest }

func (r *requestOf) cpu(amount string) {
	r.Pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(amount)}
}
