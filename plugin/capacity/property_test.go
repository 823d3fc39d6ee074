package capacity_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
)

// site is a random remote cluster.
type site struct {
	*rand.Rand
	nodes  []*corev1.Node
	pods   []*corev1.Pod
	quotas []*corev1.ResourceQuota
}

func (s *site) maybe(percent int) bool { return s.IntN(100) < percent }

func (s *site) somePod() *corev1.Pod {
	p := pod(fmt.Sprintf("n%d", s.IntN(len(s.nodes)+2)), fmt.Sprintf("cpu=%dm", s.IntN(3000)), fmt.Sprintf("memory=%d", s.IntN(1<<30)))
	p.Namespace = fmt.Sprintf("ns%d", s.IntN(3))
	if s.maybe(20) {
		p.Spec.NodeName = ""
	}
	if s.maybe(30) {
		p.Spec.Containers[0].Resources.Requests["nvidia.com/gpu"] = *resource.NewQuantity(int64(s.IntN(3)), resource.DecimalSI)
	}
	if s.maybe(30) {
		own(p)
	}
	if s.maybe(20) {
		p.Status.Phase = corev1.PodSucceeded
	}
	return p
}

func newSite(seed uint64) *site {
	s := &site{Rand: rand.New(rand.NewPCG(19, seed))}
	for i := range s.IntN(6) {
		n := node(fmt.Sprintf("n%d", i), fmt.Sprintf("cpu=%dm", s.IntN(16000)), fmt.Sprintf("memory=%d", s.IntN(1<<33)), fmt.Sprintf("pods=%d", s.IntN(20)))
		if s.maybe(40) {
			n.Status.Allocatable["nvidia.com/gpu"] = *resource.NewQuantity(int64(s.IntN(8)), resource.DecimalSI)
		}
		if s.maybe(20) {
			cordoned(n)
		}
		s.nodes = append(s.nodes, n)
	}
	for range s.IntN(30) {
		s.pods = append(s.pods, s.somePod())
	}
	for i := range s.IntN(4) {
		s.quotas = append(s.quotas, quota(fmt.Sprintf("ns%d", i), fmt.Sprintf("requests.cpu=%dm", s.IntN(20000)), fmt.Sprintf("pods=%d", s.IntN(20)), fmt.Sprintf("limits.memory=%d", s.IntN(1<<32))))
	}
	return s
}

// offered returns what a report offers of a resource.
func offered(r capacity.Report, name corev1.ResourceName) resource.Quantity {
	found, _ := r.Find(name)
	return found.Offered
}

// What nodes offer is the same as with Kubernetes' own numbers: for each usable node, what it has less what
// others request there.
func TestOfNodesAgreesWithQuantities(t *testing.T) {
	for seed := range uint64(500) {
		s := newSite(seed)
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, "nvidia.com/gpu"} {
			var want resource.Quantity
			for _, n := range s.nodes {
				if n.Spec.Unschedulable {
					continue
				}
				left := n.Status.Allocatable[name].DeepCopy()
				for _, p := range s.pods {
					if p.Spec.NodeName == n.Name && p.Labels == nil && p.Status.Phase == corev1.PodRunning {
						left.Sub(p.Spec.Containers[0].Resources.Requests[name])
					}
				}
				if left.Sign() > 0 {
					want.Add(left)
				}
			}
			if got := offered(ofNodes(s.nodes, s.pods, capacity.Options{}), name); got.Cmp(want) != 0 {
				t.Fatalf("seed %d: %s is %s, want %s", seed, name, got.String(), want.String())
			}
		}
	}
}

// What holds of each report: nothing is less than 0 or more than the total; another pod of others never adds
// to it, another pod of this installation takes nothing of it; more reserve never adds to it; and the
// order of the objects says nothing.
func TestProperties(t *testing.T) {
	for seed := range uint64(500) {
		s := newSite(seed)
		for kind, of := range map[string]func(pods []*corev1.Pod, reserve int) capacity.Report{
			"nodes": func(pods []*corev1.Pod, reserve int) capacity.Report {
				return ofNodes(s.nodes, pods, capacity.Options{Reserve: reserve})
			},
			"quotas": func(pods []*corev1.Pod, reserve int) capacity.Report {
				return ofQuotas(s.quotas, pods, capacity.Options{Reserve: reserve, IsOwn: func(string) bool { return true }})
			},
		} {
			reserve := s.IntN(101)
			before := of(s.pods, reserve)
			for _, x := range before.Resources {
				if x.Offered.Sign() < 0 || x.Offered.Cmp(x.Total) > 0 || x.Used.Sign() < 0 {
					t.Fatalf("seed %d, %s: %s", seed, kind, words(before))
				}
			}
			compare := func(what string, after capacity.Report, wanted func(sign int) bool) {
				for _, x := range before.Resources {
					after := offered(after, x.Name)
					if !wanted(after.Cmp(x.Offered)) {
						t.Fatalf("seed %d, %s: %s: %s was %s and is %s", seed, kind, what, x.Name, x.Offered.String(), after.String())
					}
				}
			}
			never := func(sign int) bool { return sign <= 0 }
			same := func(sign int) bool { return sign == 0 }
			foreign, mine := s.somePod(), s.somePod()
			foreign.Labels = nil
			own(mine)
			compare("a pod of others", of(append(s.pods[:len(s.pods):len(s.pods)], foreign), reserve), never)
			if kind == "nodes" || len(s.quotas) == 3 { // else its namespace may be one without a quota
				compare("a pod of this installation", of(append(s.pods[:len(s.pods):len(s.pods)], mine), reserve), same)
			}
			compare("more reserve", of(s.pods, min(reserve+s.IntN(20), 100)), never)
			compare("all reserved", of(s.pods, 100), never)
			shuffled := append([]*corev1.Pod(nil), s.pods...)
			s.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			s.Shuffle(len(s.nodes), func(i, j int) { s.nodes[i], s.nodes[j] = s.nodes[j], s.nodes[i] })
			if again := words(of(shuffled, reserve)); again != words(before) {
				t.Fatalf("seed %d, %s: in another order, %s is %s", seed, kind, words(before), again)
			}
		}
	}
}
