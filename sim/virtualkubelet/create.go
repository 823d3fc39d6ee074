package virtualkubelet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// Refusal is the error of a create whose answer makes the local pod Failed for good
// (docs/contract.md, CREATE-4).
type Refusal struct {
	Pod string
	// Status is the HTTP status of the answer, 0 if there was none.
	Status int
	// Body is the text of the answer, or says why there was none.
	Body string
}

// Error returns the error in words for people: a page becomes its title.
func (r *Refusal) Error() string {
	short := *r
	short.Body = message([]byte(r.Body))
	return short.text()
}

// Words returns the text of the answer for people, whole.
func (r *Refusal) Words() string {
	return cmp.Or(messageIn([]byte(r.Body)), plain([]byte(r.Body)))
}

// text returns the error with the whole body, as InterLink writes it into the pod's status.
func (r *Refusal) text() string {
	if r.Status == 0 {
		return fmt.Sprintf("create of pod %s was not answered: %s", r.Pod, r.Body)
	}
	return fmt.Sprintf("create of pod %s was answered %d: %s", r.Pod, r.Status, r.Body)
}

// WrongPodUID is the error of a create whose answer has another PodUID than the pod's.
// The pod does not fail, but its job ID is not stored (docs/contract.md, CREATE-10).
type WrongPodUID struct {
	Pod string
	// Answer is the text of the answer.
	Answer string
}

func (w *WrongPodUID) Error() string {
	return fmt.Sprintf("the answer to the create of pod %s has another PodUID: %s", w.Pod, w.Answer)
}

// OtherJobID is the error of a create of a pod that has a job ID, whose answer has
// another one (docs/contract.md, CREATE-8).
type OtherJobID struct {
	Pod           string
	First, Second string
}

func (o *OtherJobID) Error() string {
	return fmt.Sprintf("the answer to a second create of pod %s has the PodJID %q, and that to the first one had %q", o.Pod, o.Second, o.First)
}

// Create applies a pod's manifest, sends its create, and waits for the answer. A
// *Refusal means that the pod is Failed, a *WrongPodUID that it has no job ID, an
// *OtherJobID that an earlier create of the pod was answered otherwise. Any
// other error means that the create was not sent or that the context ended; then the
// pod is Pending and has no job ID.
func (k *Kubelet) Create(ctx context.Context, manifest *corev1.Pod) error {
	pod := newLocalPod(interlink.Admit(manifest, k.options), k.now())
	name := pod.admitted.Name
	fullName := pod.admitted.Namespace + "/" + name
	k.mu.Lock()
	if old, ok := k.byName[fullName]; ok && !old.deleted {
		k.mu.Unlock()
		return fmt.Errorf("pod %s already exists in the local cluster", fullName)
	}
	k.pods = append(k.pods, pod)
	k.byName[fullName] = pod
	if old, ok := k.byName[name]; !ok || old.deleted {
		k.byName[name] = pod
	}
	k.mu.Unlock()
	return k.create(ctx, pod, true)
}

// CreateAgain sends the create of a pod that is not deleted once more.
func (k *Kubelet) CreateAgain(ctx context.Context, name string) error {
	pod, err := k.find(name)
	if err != nil {
		return err
	}
	k.mu.Lock()
	first := pod.stored == nil
	k.mu.Unlock()
	return k.create(ctx, pod, first)
}

// Restart restarts the virtual kubelet. It creates again the pods without a job ID,
// and the named ones, whose job ID was not stored (docs/contract.md, CREATE-8). The
// other pods it reads from the local API server. The errors are those of the creates.
func (k *Kubelet) Restart(ctx context.Context, forget ...string) error {
	var recreate []*localPod
	k.mu.Lock()
	k.panicked = nil
	k.node = Node{Resources: defaultResources()}
	forgotten := map[*localPod]bool{}
	for _, name := range forget {
		forgotten[k.byName[name]] = true
	}
	for _, pod := range k.pods {
		switch {
		case pod.deleted:
		case !isFinal(pod.shown.Phase) && (pod.jobID() == "" || forgotten[pod]):
			recreate = append(recreate, pod)
		default:
			pod.stored = asAPIServerReturns(pod.stored)
			pod.stored.Spec = interlink.WithInitialStatus(pod.admitted, k.options).Spec
			pod.stored.Status = *pod.shown.DeepCopy()
		}
	}
	k.mu.Unlock()
	var errs []error
	for _, pod := range recreate {
		errs = append(errs, k.create(ctx, pod, true))
	}
	return errors.Join(errs...)
}

// create sends a create. resetStatus is true for the first create, and for that of
// a virtual kubelet that has forgotten the pod.
func (k *Kubelet) create(ctx context.Context, pod *localPod, resetStatus bool) error {
	k.mu.Lock()
	var stale error // the local API server may refuse the reset
	if resetStatus {
		pod.stored = interlink.WithInitialStatus(pod.admitted, k.options)
		stale = pod.show(k.now())
	}
	body, err := k.client.protocol.createBody(pod.admitted, k.objects, k.options)
	if err == nil {
		pod.creates++
		pod.stored = interlink.WithStoredVariables(pod.stored, k.objects, k.options)
	}
	k.mu.Unlock()
	if err != nil {
		// Status calls for the pod are sent all the same (docs/contract.md, STATUS-5).
		return fmt.Errorf("create of pod %s is not sent: %w", pod.admitted.Name, err)
	}

	status, answer, err := k.client.call(ctx, k.client.protocol.create, k.client.session("CreatePod"), body)
	k.mu.Lock()
	pod.creates--
	k.mu.Unlock()
	if ctx.Err() != nil {
		return fmt.Errorf("create of pod %s: %w", pod.admitted.Name, ctx.Err())
	}
	created, refusal := readCreateAnswer(pod.admitted, status, answer, err)

	k.mu.Lock()
	defer k.mu.Unlock()
	if pod.answered.IsZero() {
		pod.answered = k.now()
	}
	switch {
	case refusal != nil:
		if !pod.deleted {
			pod.stored.Status = refusedStatus(pod.admitted, refusal, k.options)
			return errors.Join(refusal, pod.show(k.now()))
		}
		return refusal
	case created.PodUID != string(pod.admitted.UID):
		return errors.Join(&WrongPodUID{Pod: pod.admitted.Name, Answer: excerpt(answer)}, stale)
	case !pod.deleted && pod.stored != nil:
		pod.stored = interlink.WithJobID(pod.stored, created.PodJID)
	}
	if first := pod.answeredJobID; first != "" && first != created.PodJID {
		return errors.Join(&OtherJobID{Pod: pod.admitted.Name, First: first, Second: created.PodJID}, stale)
	}
	pod.answeredJobID = created.PodJID
	return stale
}

// readCreateAnswer returns the answer, or why the pod has failed.
func readCreateAnswer(pod *corev1.Pod, status int, answer []byte, err error) (created wire.CreateResponse, refusal *Refusal) {
	refusal = &Refusal{Pod: pod.Name, Status: status, Body: string(answer)}
	if err != nil {
		refusal.Body = Cause(err)
		return created, refusal
	}
	if status != http.StatusOK {
		return created, refusal
	}
	if err := json.Unmarshal(answer, &created); err != nil {
		refusal.Body = describeJSONError(answer, err, "one object with PodUID and PodJID")
		return created, refusal
	}
	return created, nil
}

// refusedStatus is the status of a pod whose create was refused (docs/contract.md,
// CREATE-5).
func refusedStatus(pod *corev1.Pod, refusal *Refusal, options interlink.Options) corev1.PodStatus {
	status := interlink.NewStatus(corev1.PodFailed, corev1.ConditionFalse, corev1.ConditionFalse, options)
	status.Reason = "ProviderFailed"
	escaped := *refusal
	escaped.Body = html.EscapeString(refusal.Body)
	status.Message = escaped.text()
	failed := func(containers []corev1.Container) (statuses []corev1.ContainerStatus) {
		for _, c := range containers {
			statuses = append(statuses, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image,
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
					ExitCode: 1, Reason: status.Reason, Message: status.Message,
				}},
			})
		}
		return statuses
	}
	status.InitContainerStatuses = failed(pod.Spec.InitContainers)
	status.ContainerStatuses = failed(pod.Spec.Containers)
	return status
}
