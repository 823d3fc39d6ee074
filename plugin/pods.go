package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// ListedPod is an offloaded pod as the pods command shows it. The names in its JSON do not change. It has nothing of
// what the user's program is given or prints, and no character that a terminal acts on.
type ListedPod struct {
	Local  LocalPod  `json:"local"`
	Remote RemotePod `json:"remote"`
	// Phase is the phase of the remote pod, Terminating or Waiting; Reason is one word that says more.
	Phase    string `json:"phase"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	Restarts int    `json:"restarts"`
	// NeedsAttention is true if somebody should look at the pod.
	NeedsAttention bool `json:"needsAttention"`
	// Created is when the remote pod was created, or since when it waits for a quota.
	Created time.Time `json:"created"`
	// Warnings are what of the local pod could not be carried over.
	Warnings []string `json:"warnings"`
}

// LocalPod identifies a local pod, and its virtual node. What is not known is empty.
type LocalPod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	Node      string `json:"node"`
}

// RemotePod identifies a remote pod. UID, Node and IP are empty before they exist.
type RemotePod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	Node      string `json:"node"`
	IP        string `json:"ip"`
}

// PodQuery says which pods are listed; empty fields permit all.
type PodQuery struct {
	// Namespace is that of local pods.
	Namespace string
	// Names are those of local pods: name, or namespace/name.
	Names []string
}

// match reports whether a local pod is asked for, and remembers its name in found.
func (q PodQuery) match(pod LocalPod, found map[string]bool) bool {
	if q.Namespace != "" && q.Namespace != pod.Namespace {
		return false
	}
	matches := len(q.Names) == 0
	for _, name := range []string{pod.Name, pod.Namespace + "/" + pod.Name} {
		if slices.Contains(q.Names, name) {
			matches, found[name] = true, true
		}
	}
	return matches
}

// podsPage is how many pods are in memory at once.
const podsPage = 500

// ListPods calls each with the pods of this installation that match, page by page. note says what could not be listed;
// empty if all was. The error has kind NotFound if no pod has a name that is asked for.
func ListPods(ctx context.Context, cfg config.Config, client kubernetes.Interface, query PodQuery, now time.Time, each func([]ListedPod) error) (note string, err error) {
	remote, err := cluster.New(client, cfg.Offloading.Namespace, func(pod *corev1.Pod) *corev1.Pod { return pod }, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	found, page := map[string]bool{}, []ListedPod{}
	add := func(pod ListedPod) error {
		if !query.match(pod.Local, found) {
			return nil
		}
		if page = append(page, pod); len(page) < podsPage {
			return nil
		}
		full := page
		page = nil
		return each(full)
	}
	selector := labels.Set{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: cfg.App.Instance}.String() + "," + wire.LabelPodUID
	if err := remote.EachPod(ctx, cfg.Offloading.Namespace, selector, func(pod *corev1.Pod) error { return add(listedPod(pod, now)) }); err != nil {
		return "", err
	}
	markers, err := remote.ListConfigMaps(ctx, quotawait.MarkerSelector(cfg.App.Instance))
	switch {
	case errdefs.Is(err, errdefs.Refused):
		note = "pods that wait for a quota are not listed: " + console.Line(err.Error())
	case err != nil:
		return "", err
	}
	for i := range markers {
		if pod, ok := quotawait.PodOf(&markers[i]); ok {
			if err := add(waitingPod(pod)); err != nil {
				return "", err
			}
		}
	}
	if err := each(page); err != nil {
		return "", err
	}
	var unknown []string
	for _, name := range query.Names {
		if !found[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return note, errdefs.New(errdefs.NotFound, "no offloaded pod has the local name %s", strings.Join(unknown, ", "))
	}
	return note, nil
}

// listedPod returns a remote pod as it is listed.
func listedPod(pod *corev1.Pod, now time.Time) ListedPod {
	listed := fromRow(pageRow(pod, now))
	listed.Local.UID, listed.Remote.UID, listed.Remote.IP = console.Clean(pod.Labels[wire.LabelPodUID]), string(pod.UID), console.Clean(pod.Status.PodIP)
	for _, warning := range warningsOf(pod) {
		listed.Warnings = append(listed.Warnings, console.Clean(warning))
	}
	return listed
}

// waitingPod returns a pod that waits for a quota as it is listed.
func waitingPod(pod quotawait.Pod) ListedPod {
	listed := fromRow(waitingRow(pod))
	listed.Local.UID, listed.NeedsAttention = console.Clean(pod.UID), pod.Failed
	return listed
}

func fromRow(row admin.Pod) ListedPod {
	return ListedPod{
		Local:  LocalPod{Namespace: console.Clean(row.Namespace), Name: console.Clean(row.Name), Node: console.Clean(row.VirtualNode)},
		Remote: RemotePod{Namespace: row.RemoteNamespace, Name: row.RemoteName, Node: row.Node},
		Phase:  console.Clean(row.Phase), Reason: console.Clean(row.Reason), Message: console.Clean(row.Message),
		Restarts: row.Restarts, NeedsAttention: row.Stuck, Created: row.Created.UTC(), Warnings: []string{},
	}
}

// Status returns one word for the state of a pod, as kubectl shows it.
func (p ListedPod) Status() string {
	switch {
	case p.Phase == admin.PhaseTerminating, p.Phase == admin.PhaseWaiting:
		return p.Phase
	case p.Reason != "":
		return p.Reason
	case p.Phase == string(corev1.PodSucceeded):
		return "Completed"
	}
	return p.Phase
}

// Why returns what a reader may want to know of the pod: its message, and its warnings.
func (p ListedPod) Why() string {
	var parts []string
	if p.Message != "" {
		parts = append(parts, p.Message)
	}
	for _, warning := range p.Warnings {
		parts = append(parts, fmt.Sprintf("warning: %s", warning))
	}
	return strings.Join(parts, "; ")
}
