package virtualkubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Poll goes once through the status loop: one call for each pod that has not
// ended, one after the other. Of the errors that it joins, *Frozen leaves a pod
// as it was; after a *Panic nothing more is asked until Restart.
func (k *Kubelet) Poll(ctx context.Context) error {
	k.polling.Lock()
	defer k.polling.Unlock()
	type asked struct {
		local *local
		pod   *corev1.Pod
	}
	var round []asked
	k.mu.Lock()
	down := k.down
	for _, l := range k.pods {
		if !l.gone && l.kept != nil && !final(l.kept.Status.Phase) {
			round = append(round, asked{l, l.kept}) // what is kept is replaced, or changed under the lock
		}
	}
	k.mu.Unlock()
	if down != nil {
		return down
	}
	var errs []error
	for _, a := range round {
		k.mu.Lock()
		body := StatusRequest(a.pod, "")
		k.mu.Unlock()
		err := k.poll(ctx, a.local, body)
		errs = append(errs, err)
		if ctx.Err() != nil || errors.As(err, new(*Panic)) {
			break
		}
	}
	return errors.Join(errs...)
}

// poll asks for one pod.
func (k *Kubelet) poll(ctx context.Context, l *local, body []*corev1.Pod) error {
	name := body[0].Name
	frozen := func(format string, args ...any) error {
		return &Frozen{Pod: name, Words: fmt.Sprintf(format, args...)}
	}
	status, text, err := k.client.call(ctx, http.MethodGet, "/status", k.client.session("GetStatus"), body)
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // who asks has had enough, which says nothing of the plugin
	case err != nil:
		return frozen("%v", err)
	case status != http.StatusOK:
		return frozen("answered %d: %s", status, excerpt(text))
	}
	var entries []wire.PodStatus
	if err := json.Unmarshal(text, &entries); err != nil {
		return frozen("not a list of statuses (%v): %s", err, excerpt(text))
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	for _, entry := range entries {
		k.answers[types.UID(entry.UID)] = entry
	}
	uid := body[0].UID
	var old error // the answer's lack, which an older answer makes good
	if !slices.ContainsFunc(entries, func(e wire.PodStatus) bool { return e.UID == string(uid) }) {
		old = frozen("the answer leaves it out")
	}
	entry, ok := k.answers[uid]
	switch {
	case !ok || l.gone:
		return old
	case entry.Name == "":
		return frozen("the answer does not say the pod's name")
	}
	if err := report(l.kept, &entry); err != nil {
		errors.As(err, &k.down)
		return err
	}
	return errors.Join(old, l.update(k.now()))
}

// Delete deletes a pod from the local cluster and tells the plugin, once: at the
// start of the grace period of one that runs, else when it is gone. An error is
// only logged by the real one.
func (k *Kubelet) Delete(ctx context.Context, name string) error {
	l, body, err := k.remove(name)
	if err != nil || body == nil {
		return err
	}
	status, text, err := k.client.call(ctx, http.MethodPost, "/delete", k.client.session("DeletePod"), body)
	switch {
	case err != nil:
		return fmt.Errorf("delete of pod %s: %w", l.admitted.Name, err)
	case status != http.StatusOK:
		return fmt.Errorf("delete of pod %s was answered %d: %s", l.admitted.Name, status, excerpt(text))
	}
	return nil
}

// LoseDelete deletes a pod while the virtual kubelet is down: the plugin is
// never told.
func (k *Kubelet) LoseDelete(name string) error {
	_, _, err := k.remove(name)
	return err
}

// remove takes a pod out, and returns the delete that is due; nil if the virtual
// kubelet had never known the pod.
func (k *Kubelet) remove(name string) (*local, *corev1.Pod, error) {
	l, err := k.living(name)
	if err != nil {
		return nil, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.gone {
		return nil, nil, fmt.Errorf("the local cluster has no pod %s", name)
	}
	l.gone = true
	delete(k.answers, l.admitted.UID)
	if l.kept == nil {
		return l, nil, nil
	}
	pod, running := l.kept, l.running()
	if running {
		pod = stored(pod)
		pod.Status = l.shown
	}
	return l, DeleteRequest(pod, running, k.now()), nil
}

// Restart restarts the virtual kubelet. It creates again the pods that have no
// job ID, and those named, whose job ID had not been stored; the others it finds
// as the local API server has them. The errors are those of the creates.
func (k *Kubelet) Restart(ctx context.Context, forget ...string) error {
	var again []*local
	k.mu.Lock()
	k.down = nil
	forgotten := map[*local]bool{}
	for _, name := range forget {
		forgotten[k.byName[name]] = true
	}
	for _, l := range k.pods {
		switch {
		case l.gone:
		case !final(l.shown.Phase) && (l.jobID() == "" || forgotten[l]):
			again = append(again, l)
		default:
			l.kept = stored(l.kept)
			l.kept.Status = *l.shown.DeepCopy()
		}
	}
	k.mu.Unlock()
	var errs []error
	for _, l := range again {
		errs = append(errs, k.create(ctx, l, true))
	}
	return errors.Join(errs...)
}
