package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A Storm does many things at once.
type Storm struct {
	Name string
	play func(context.Context, *storm) error
}

// Sizes are the sizes of the storms.
type Sizes struct {
	Duplicates int
	// Kills is the number of creates, and of deletes, during which the plugin is killed.
	Kills int
	// Replicas is the number of creates at two replicas.
	Replicas int
	// Burst is the number of creates at once.
	Burst int
}

// FullSizes are those of make chaos.
func FullSizes() Sizes { return Sizes{Duplicates: 100, Kills: 200, Replicas: 225, Burst: 800} }

// SmallSizes are those of the tests.
func SmallSizes() Sizes { return Sizes{Duplicates: 20, Kills: 40, Replicas: 45, Burst: 40} }

// Storms returns all storms.
func Storms(sizes Sizes) []Storm {
	return []Storm{
		{fmt.Sprintf("%d duplicates of a create", sizes.Duplicates), func(ctx context.Context, s *storm) error { return s.duplicates(ctx, sizes.Duplicates) }},
		{fmt.Sprintf("kill -9 every %s during %d creates and as many deletes", killPause, sizes.Kills), func(ctx context.Context, s *storm) error { return s.kills(ctx, sizes.Kills) }},
		{fmt.Sprintf("two replicas, one of them killed, %d creates and %d deletes", sizes.Replicas, sizes.Replicas-sizes.Replicas/9),
			func(ctx context.Context, s *storm) error { return s.replicas(ctx, sizes.Replicas) }},
		{fmt.Sprintf("%d creates of %d ConfigMaps each, at once", sizes.Burst, burstConfigMaps), func(ctx context.Context, s *storm) error { return s.burst(ctx, sizes.Burst) }},
	}
}

// Storm plays a storm. It returns what must not have happened, and a summary.
func (c *Chaos) Storm(ctx context.Context, what Storm) (_ []Finding, summary string, err error) {
	site, err := c.newSite()
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	s := &storm{site: site, remote: c.remote}
	if err := what.play(ctx, s); err != nil {
		return nil, "", err
	}
	for _, text := range site.vkPanics() {
		s.add(Otherwise, "%s", text)
	}
	return s.findings, s.summary, nil
}

// A storm is one that is played.
type storm struct {
	*site
	remote   *recorder
	findings []Finding
	pods     []*stormPod
	summary  string
}

// A stormPod is a pod that was created, and what became of it.
type stormPod struct {
	*corev1.Pod
	err        error // of the create
	configMaps int   // which it needs
	secrets    int
	made       bool // it was created before
	kept       bool // it is not deleted
	deleted    bool // its delete was sent
}

func (s *storm) add(kind, format string, args ...any) {
	s.findings = append(s.findings, Finding{kind, fmt.Sprintf(format, args...)})
}

// someLocals is the number of local namespaces of a storm.
const someLocals = 4

func localOf(n int) string { return fmt.Sprintf("demo-%d", n%someLocals) }

// makePods makes the manifests of pods: every fourth has all that a pod can need, the
// others two ConfigMaps.
func (s *storm) makePods(count int) {
	for n := range someLocals {
		_, objects := fullPod(localOf(n), "any")
		s.kubelet.Apply(objects)
		_, objects = podWithConfigMaps(localOf(n), "any", burstConfigMaps)
		s.kubelet.Apply(objects)
	}
	for n := range count {
		namespace, name := localOf(n/4), fmt.Sprintf("pod-%d", n)
		if n%4 == 0 {
			pod, _ := fullPod(namespace, name)
			s.pods = append(s.pods, &stormPod{Pod: pod, configMaps: wholePod["configmaps"], secrets: wholePod["secrets"]})
			continue
		}
		s.pods = append(s.pods, withConfigMaps(namespace, name, 2))
	}
}

func withConfigMaps(namespace, name string, count int) *stormPod {
	pod, _ := podWithConfigMaps(namespace, name, count)
	pod.Spec.AutomountServiceAccountToken = ptr.To(false) // otherwise its token is a Secret
	return &stormPod{Pod: pod, configMaps: count}
}

// creates creates a pod, once. It reports whether the create was answered 200.
func (s *storm) creates(ctx context.Context, p *stormPod) bool {
	if p.made {
		return true
	}
	p.err = s.kubelet.Create(ctx, p.Pod)
	return p.err == nil
}

// each calls do for all pods, some at a time, and at most some in a second. It returns
// for how many do returned false.
func (s *storm) each(atOnce int, perSecond rate.Limit, do func(*stormPod) bool) (failed int64) {
	var group sync.WaitGroup
	var count atomic.Int64
	limiter, slots := rate.NewLimiter(perSecond, 1), make(chan struct{}, atOnce)
	for _, p := range s.pods {
		_ = limiter.Wait(context.Background()) // it fails only with its context
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if !do(p) {
				count.Add(1)
			}
		})
	}
	group.Wait()
	return count.Load()
}

// checkWhole waits until each pod whose create was answered 200, and that exists, runs
// with all that it needs.
func (s *storm) checkWhole(ctx context.Context) {
	var wrong map[Finding]bool
	s.chaos.eventually(ctx, func() bool {
		wrong = map[Finding]bool{}
		objects := s.byLocalUID()
		for _, p := range s.pods {
			if p.err == nil && !p.deleted {
				s.checkPod(p, objects, wrong)
			}
		}
		return len(wrong) == 0
	})
	for f := range wrong {
		s.findings = append(s.findings, f)
	}
}

func (s *storm) checkPod(p *stormPod, objects map[types.UID]map[string][]metav1.Object, wrong map[Finding]bool) {
	local := s.kubelet.Pod(p.Namespace + "/" + p.Name)
	mine := objects[local.UID]
	say := func(kind, format string, args ...any) {
		wrong[Finding{kind, p.Name + ": " + fmt.Sprintf(format, args...)}] = true
	}
	if len(mine["pods"]) != 1 {
		say(Lost, "it has %d remote pods", len(mine["pods"]))
		return
	}
	remote := mine["pods"][0]
	if local.Status.Phase != corev1.PodRunning {
		say(Failed, "the local cluster shows %s", local.Status.Phase)
	}
	if id := local.Annotations[wire.AnnotationJobID]; id != remote.GetName() {
		say(WrongID, "InterLink has the job ID %q, and the remote pod the name %q", id, remote.GetName())
	}
	for kind, want := range map[string]int{"configmaps": p.configMaps, "secrets": p.secrets} {
		if len(mine[kind]) != want {
			say(Lost, "it has %d %s, want %d", len(mine[kind]), kind, want)
		}
		for _, object := range mine[kind] {
			if owners := object.GetOwnerReferences(); len(owners) != 1 || owners[0].UID != remote.GetUID() {
				say(Lost, "%s/%s does not have the pod as its owner", kind, object.GetName())
			}
		}
	}
	if early := s.remote.startedEarly(local.UID); early != "" {
		say(Lost, "%s", early)
	}
}

// byLocalUID returns the objects of all pods, by local UID and kind.
func (s *storm) byLocalUID() map[types.UID]map[string][]metav1.Object {
	all := map[types.UID]map[string][]metav1.Object{}
	for n := range someLocals {
		for name, object := range s.remote.objects(s.namespace(localOf(n))) {
			kind, _, _ := strings.Cut(name, "/")
			uid := localUID(object)
			if all[uid] == nil {
				all[uid] = map[string][]metav1.Object{}
			}
			all[uid][kind] = append(all[uid][kind], object)
		}
	}
	return all
}

// deletes deletes a pod, once. It reports whether the delete was answered 200.
func (s *storm) deletes(ctx context.Context, p *stormPod) bool {
	if p.kept = p.kept && p.err == nil; p.kept { // otherwise the local pod has failed
		return true
	}
	p.deleted = true
	return s.kubelet.Delete(ctx, p.Namespace+"/"+p.Name) == nil
}

// checkLeft waits until nothing is left but the pods that are kept, with all that they
// need. It also counts the remote pods that ever were.
func (s *storm) checkLeft(ctx context.Context) error {
	kept := map[types.UID]bool{}
	want := 0 // objects
	for _, p := range s.pods {
		local := s.kubelet.Pod(p.Namespace + "/" + p.Name)
		if count, _ := s.remote.remotePods(local.UID); count > 1 {
			s.add(Doubled, "%s: %d remote pods were made", p.Name, count)
		}
		if p.kept {
			kept[local.UID] = true
			want += 1 + p.configMaps + p.secrets
		}
	}
	s.checkWhole(ctx)
	left := func() (names []string) {
		for n := range someLocals {
			namespace := s.namespace(localOf(n))
			for name, object := range s.remote.objects(namespace) {
				if !kept[localUID(object)] {
					names = append(names, name)
				}
			}
		}
		return names
	}
	if !s.chaos.eventually(ctx, func() bool { return len(left()) == 0 }) {
		s.add(Left, "%v", left())
	}
	total := 0 // also what has no label
	for n := range someLocals {
		names, err := s.remote.list(ctx, s.namespace(localOf(n)))
		if err != nil {
			return err
		}
		total += len(names)
	}
	if total != want && len(left()) == 0 {
		s.add(Left, "%d objects are left, want %d", total, want)
	}
	return nil
}
