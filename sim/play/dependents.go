package play

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// absence is something that a simulated kubelet did with a pod without a ConfigMap or
// Secret that the pod names.
type absence struct {
	pod                   *corev1.Pod
	container, kind, name string
	waits                 bool // the container cannot be created without it
}

// absences are those of one scenario. It is safe for concurrent use.
type absences struct {
	mu  sync.Mutex
	all []absence
}

func (a *absences) add(pod *corev1.Pod, container string, absent inspect.Sources, waits bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range absent.ConfigMaps {
		a.all = append(a.all, absence{pod.DeepCopy(), container, "ConfigMap", name, waits})
	}
	for _, name := range absent.Secrets {
		a.all = append(a.all, absence{pod.DeepCopy(), container, "Secret", name, waits})
	}
}

// reportAbsences reports the objects that a kubelet did not find and that exist now: the
// pod was ready to run before they were.
func (p *player) reportAbsences(ctx context.Context) error {
	now, err := p.snapshot(ctx)
	if err != nil {
		return err
	}
	p.env.absences.mu.Lock()
	defer p.env.absences.mu.Unlock()
	reported := map[string]bool{}
	for _, a := range p.env.absences.all {
		key, ours := p.env.key(a.pod)
		if !ours || !slices.Contains(now.Names(a.kind), a.pod.Namespace+"/"+a.name) {
			continue
		}
		text := fmt.Sprintf("the containers of the remote pod of %s started before %s %s existed, because the volume's reference to it is optional", key, a.kind, a.name)
		switch {
		case a.waits:
			text = fmt.Sprintf("container %s of the remote pod of %s could not be created before %s %s existed, and a scheduling gate did not hold the pod until then", a.container, key, a.kind, a.name)
		case a.container != "":
			text = fmt.Sprintf("container %s of the remote pod of %s started before %s %s existed, because its variable's reference to it is optional", a.container, key, a.kind, a.name)
		}
		if !reported[text] {
			reported[text] = true
			p.env.recorder.violation("CREATE-18", "%s", text)
		}
	}
	return nil
}

// reportGates reports the pods whose create has been answered, and that still wait for
// the plugin.
func (p *player) reportGates() {
	for _, pod := range p.env.pods {
		key := p.env.keys[pod.UID]
		remote := p.seen.RemotePods[key]
		if remote != nil && slices.ContainsFunc(remote.Spec.SchedulingGates, func(g corev1.PodSchedulingGate) bool { return g.Name == wire.GateDependents }) {
			p.env.recorder.violation("CREATE-18", "the create of pod %s is answered, but its remote pod still has the scheduling gate %s", key, wire.GateDependents)
		}
	}
}

// collection is an object that the garbage collector deleted.
type collection struct {
	kind, namespace, name string
	owners                []metav1.OwnerReference
}

// collections are those of one scenario. It is safe for concurrent use.
type collections struct {
	mu  sync.Mutex
	all []collection
}

func (c *collections) add(kind string, object metav1.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, collection{kind, object.GetNamespace(), object.GetName(), slices.Clone(object.GetOwnerReferences())})
}

// reportCollections reports the objects that the garbage collector deleted although the
// pod that their references name exists: the references have another UID.
func (p *player) reportCollections() {
	p.env.collections.mu.Lock()
	defer p.env.collections.mu.Unlock()
	for key, pod := range p.seen.RemotePods {
		for _, c := range p.env.collections.all {
			for _, owner := range c.owners {
				if c.namespace == pod.Namespace && owner.Kind == "Pod" && owner.Name == pod.Name && owner.UID != pod.UID {
					p.env.recorder.violation("CREATE-18", "the garbage collector deleted %s %s: its owner reference names the remote pod of %s with the UID %s, which is not the pod's", c.kind, c.name, key, owner.UID)
				}
			}
		}
	}
}
