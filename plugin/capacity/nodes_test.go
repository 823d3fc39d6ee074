package capacity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
)

// amounts returns a resource list from "name=quantity" pairs.
func amounts(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for _, pair := range pairs {
		name, quantity, _ := strings.Cut(pair, "=")
		list[corev1.ResourceName(name)] = resource.MustParse(quantity)
	}
	return list
}

// node returns a node that can be used.
func node(name string, allocatable ...string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: corev1.NodeStatus{
			Allocatable: amounts(allocatable...),
			Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
}

func with[T any](object T, changes ...func(T)) T {
	for _, change := range changes {
		change(object)
	}
	return object
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

func ready(status corev1.ConditionStatus) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.Conditions[0].Status = status }
}

func tainted(effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "site", Value: "gpu", Effect: effect, TimeAdded: &metav1.Time{}})
	}
}

func labeled(n *corev1.Node) { n.Labels = map[string]string{"pool": "offloading"} }

// pod returns a running pod of others with one container.
func pod(node string, requests ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "ns"},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: amounts(requests...)}}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

func own(p *corev1.Pod) {
	p.Labels = map[string]string{"interlink.io": "offloading", "interlink.io/instance": "here"}
}

func ofOtherInstallation(p *corev1.Pod) {
	p.Labels = map[string]string{"interlink.io": "offloading", "interlink.io/instance": "there"}
}

func phase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func ofNodes(nodes []*corev1.Node, pods []*corev1.Pod, options capacity.Options) capacity.Report {
	options.Instance = "here"
	var n []capacity.Node
	for _, object := range nodes {
		n = append(n, capacity.NewNode(object, options))
	}
	var p []capacity.Pod
	for _, object := range pods {
		p = append(p, capacity.NewPod(object, options))
	}
	return capacity.OfNodes(slices.Values(n), slices.Values(p), options)
}

// words returns a report as text: name=offered/used/total.
func words(r capacity.Report) string {
	var all []string
	for _, x := range r.Resources {
		all = append(all, fmt.Sprintf("%s=%s/%s/%s", x.Name, x.Offered.String(), x.Used.String(), x.Total.String()))
	}
	return strings.Join(all, " ")
}

func TestOfNodes(t *testing.T) {
	base := []string{"cpu=8", "memory=16Gi", "pods=110"}
	one := node("a", base...)
	for _, test := range []struct {
		name    string
		nodes   []*corev1.Node
		pods    []*corev1.Pod
		options capacity.Options
		want    string
	}{
		{"no nodes", nil, nil, capacity.Options{}, "cpu=0/0/0 memory=0/0/0 pods=0/0/0"},
		{"an empty node", []*corev1.Node{one}, nil, capacity.Options{}, "cpu=8/0/8 memory=16Gi/0/16Gi pods=110/0/110"},
		{"two nodes", []*corev1.Node{one, node("b", "cpu=500m", "memory=1Gi", "pods=10")}, nil, capacity.Options{},
			"cpu=8500m/0/8500m memory=17Gi/0/17Gi pods=120/0/120"},
		{"every resource", []*corev1.Node{node("a", append(base, "ephemeral-storage=100Gi", "nvidia.com/gpu=4", "nvidia.com/mig-1g.5gb=7", "hugepages-2Mi=64Mi",
			"attachable-volumes-csi-x=5", "kubernetes.io/batch-cpu=3", "x.kubernetes.io/y=3")...)}, nil, capacity.Options{},
			"cpu=8/0/8 ephemeral-storage=100Gi/0/100Gi hugepages-2Mi=64Mi/0/64Mi memory=16Gi/0/16Gi nvidia.com/gpu=4/0/4 nvidia.com/mig-1g.5gb=7/0/7 pods=110/0/110"},
		{"what is no whole number", []*corev1.Node{node("a", "cpu=1500500u", "memory=1500m", "pods=110", "nvidia.com/gpu=2500m")},
			[]*corev1.Pod{pod("a", "cpu=100u", "memory=100m")}, capacity.Options{}, "cpu=1499m/0/1500m memory=0/0/1 nvidia.com/gpu=2/0/2 pods=109/0/110"},
		{"a GPU that its pods request, and no node has any more", []*corev1.Node{one}, []*corev1.Pod{with(pod("", "cpu=1", "nvidia.com/gpu=2"), own),
			with(pod("a", "nvidia.com/mig-1g.5gb=1", "cpu=1"), own, phase(corev1.PodSucceeded)), pod("a", "example.com/fpga=1"), with(pod("a", "hugepages-2Mi=2Mi", "kubernetes.io/x=1"), own)},
			capacity.Options{}, "cpu=8/1/8 memory=16Gi/0/16Gi nvidia.com/gpu=0/2/0 nvidia.com/mig-1g.5gb=0/0/0 pods=109/2/110"},
		{"what others use", []*corev1.Node{one}, []*corev1.Pod{pod("a", "cpu=1", "memory=1Gi"), pod("a", "cpu=500m"), with(pod("a", "cpu=250m"), ofOtherInstallation)},
			capacity.Options{}, "cpu=6250m/0/8 memory=15Gi/0/16Gi pods=107/0/110"},
		{"its own pods", []*corev1.Node{one}, []*corev1.Pod{with(pod("a", "cpu=1", "memory=1Gi"), own), with(pod("", "cpu=2"), own), with(pod("gone", "cpu=4"), own)},
			capacity.Options{}, "cpu=8/7/8 memory=16Gi/1Gi/16Gi pods=110/3/110"},
		{"pods that have ended", []*corev1.Node{one}, []*corev1.Pod{with(pod("a", "cpu=1"), phase(corev1.PodSucceeded)), with(pod("a", "cpu=1"), phase(corev1.PodFailed)),
			with(pod("a", "cpu=1"), own, phase(corev1.PodFailed))}, capacity.Options{}, "cpu=8/0/8 memory=16Gi/0/16Gi pods=110/0/110"},
		{"pods of others that are not placed, or on other nodes", []*corev1.Node{one}, []*corev1.Pod{with(pod("", "cpu=1"), phase(corev1.PodPending)), pod("b", "cpu=2")},
			capacity.Options{}, "cpu=8/0/8 memory=16Gi/0/16Gi pods=110/0/110"},
		{"a node that is overcommitted takes nothing from others", []*corev1.Node{one, node("b", "cpu=1", "memory=1Gi", "pods=1")},
			[]*corev1.Pod{pod("b", "cpu=3"), pod("b", "cpu=9223372036854775807"), pod("b", "cpu=9223372036854775807")}, capacity.Options{}, "cpu=8/0/9 memory=17Gi/0/17Gi pods=110/0/111"},
		{"nodes that cannot be used; a GPU there is reported as 0", []*corev1.Node{one, with(node("b", append(base, "nvidia.com/gpu=1")...), cordoned),
			with(node("c", base...), ready(corev1.ConditionFalse)), with(node("d", base...), ready(corev1.ConditionUnknown)),
			with(node("e", base...), tainted(corev1.TaintEffectNoSchedule)), with(node("f", base...), tainted(corev1.TaintEffectNoExecute)),
			{ObjectMeta: metav1.ObjectMeta{Name: "new"}}}, []*corev1.Pod{pod("b", "cpu=1", "nvidia.com/gpu=1")}, capacity.Options{},
			"cpu=8/0/8 memory=16Gi/0/16Gi nvidia.com/gpu=0/0/0 pods=110/0/110"},
		{"a taint that is tolerated", []*corev1.Node{with(one.DeepCopy(), tainted(corev1.TaintEffectNoSchedule))}, nil,
			capacity.Options{Tolerations: []corev1.Toleration{{Key: "site", Operator: corev1.TolerationOpExists}}}, "cpu=8/0/8 memory=16Gi/0/16Gi pods=110/0/110"},
		{"the selector", []*corev1.Node{one, with(node("b", "cpu=2", "memory=2Gi", "pods=5"), labeled)}, nil,
			capacity.Options{NodeSelector: map[string]string{"pool": "offloading"}}, "cpu=2/0/2 memory=2Gi/0/2Gi pods=5/0/5"},
		{"the reserve is rounded up", []*corev1.Node{node("a", "cpu=8", "memory=1001", "pods=15", "nvidia.com/gpu=4")}, []*corev1.Pod{pod("a", "cpu=1", "nvidia.com/gpu=2")},
			capacity.Options{Reserve: 10}, "cpu=6200m/0/8 memory=900/0/1001 nvidia.com/gpu=1/0/4 pods=12/0/15"},
		{"all is reserved", []*corev1.Node{one}, nil, capacity.Options{Reserve: 100}, "cpu=0/0/8 memory=0/0/16Gi pods=0/0/110"},
		{"more than there is a number for", []*corev1.Node{node("a", "memory=9223372036854775807", "cpu=9e30"), node("b", "memory=9223372036854775807", "cpu=9e30")}, nil, capacity.Options{},
			"cpu=9223372036854775807m/0/9223372036854775807m memory=9223372036854775807/0/9223372036854775807 pods=0/0/0"},
		{"less than nothing", []*corev1.Node{node("a", "cpu=-1", "memory=-1", "pods=-1")}, []*corev1.Pod{pod("a", "cpu=-5")}, capacity.Options{},
			"cpu=0/0/0 memory=0/0/0 pods=0/0/0"},
	} {
		if got := words(ofNodes(test.nodes, test.pods, test.options)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// A pod counts with what the scheduler reserves for it.
func TestPodCountsAsTheSchedulerCounts(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	container := func(pairs ...string) corev1.Container {
		return corev1.Container{Name: "c" + strings.Join(pairs, ""), Resources: corev1.ResourceRequirements{Requests: amounts(pairs...)}}
	}
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		want   string // the CPU that is left of 10
	}{
		{"containers are added", func(p *corev1.Pod) { p.Spec.Containers = []corev1.Container{container("cpu=1"), container("cpu=2")} }, "7"},
		{"of init containers, the largest counts", func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{container("cpu=1")}
			p.Spec.InitContainers = []corev1.Container{container("cpu=3"), container("cpu=2")}
		}, "7"},
		{"if it is more than the containers", func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{container("cpu=4")}
			p.Spec.InitContainers = []corev1.Container{container("cpu=3")}
		}, "6"},
		{"a sidecar is added to what runs beside it", func(p *corev1.Pod) {
			sidecar := container("cpu=1")
			sidecar.RestartPolicy = &always
			p.Spec.InitContainers = []corev1.Container{sidecar, container("cpu=3")}
			p.Spec.Containers = []corev1.Container{container("cpu=2")}
		}, "6"},
		{"the overhead is added", func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{container("cpu=1")}
			p.Spec.Overhead = amounts("cpu=500m")
		}, "8500m"},
		{"requests of the whole pod count instead", func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{container("cpu=1")}
			p.Spec.Resources = &corev1.ResourceRequirements{Requests: amounts("cpu=5")}
		}, "5"},
		{"a pod that is being made smaller has what it was given", func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{container("cpu=1")}
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: p.Spec.Containers[0].Name, AllocatedResources: amounts("cpu=3"),
				Resources: &corev1.ResourceRequirements{Requests: amounts("cpu=3")}}}
		}, "7"},
	} {
		r := ofNodes([]*corev1.Node{node("a", "cpu=10")}, []*corev1.Pod{with(pod("a"), test.change)}, capacity.Options{})
		if found, _ := r.Find(corev1.ResourceCPU); found.Offered.String() != test.want {
			t.Errorf("%s: %s is left, want %s", test.name, found.Offered.String(), test.want)
		}
	}
}

// A report has the soft taints that all usable nodes have and that pods do not tolerate.
func TestTaints(t *testing.T) {
	soft := func(key string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Value: "v", Effect: corev1.TaintEffectPreferNoSchedule})
		}
	}
	for _, test := range []struct {
		name    string
		nodes   []*corev1.Node
		options capacity.Options
		want    string
	}{
		{"none", []*corev1.Node{node("a")}, capacity.Options{}, "[]"},
		{"of all", []*corev1.Node{with(node("a"), soft("x"), soft("y")), with(node("b"), soft("y"), soft("z"))}, capacity.Options{}, "[y]"},
		{"of one only", []*corev1.Node{with(node("a"), soft("x")), node("b")}, capacity.Options{}, "[]"},
		{"of the last only", []*corev1.Node{node("a"), with(node("b"), soft("x"))}, capacity.Options{}, "[]"},
		{"not of nodes that cannot be used", []*corev1.Node{with(node("a"), soft("x")), with(node("b"), cordoned)}, capacity.Options{}, "[x]"},
		{"tolerated", []*corev1.Node{with(node("a"), soft("x"))}, capacity.Options{Tolerations: []corev1.Toleration{{Key: "x", Operator: corev1.TolerationOpExists}}}, "[]"},
		{"hard and tolerated", []*corev1.Node{with(node("a"), tainted(corev1.TaintEffectNoSchedule))},
			capacity.Options{Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}}, "[]"},
	} {
		keys := []string{}
		for _, taint := range ofNodes(test.nodes, nil, test.options).Taints {
			keys = append(keys, taint.Key)
		}
		if got := fmt.Sprint(keys); got != test.want {
			t.Errorf("%s: the taints are %s, want %s", test.name, got, test.want)
		}
	}
}

// What an earlier process may have said is said as 0, if no node has it.
func TestWithNone(t *testing.T) {
	r := ofNodes([]*corev1.Node{node("a", "cpu=8", "memory=16Gi", "pods=110", "nvidia.com/gpu=4")}, nil, capacity.Options{})
	r = r.WithNone([]corev1.ResourceName{"z.example.com/fpga", "nvidia.com/gpu", "cpu", "ephemeral-storage", "a.example.com/gpu", "z.example.com/fpga", "kubernetes.io/x"})
	const want = "a.example.com/gpu=0/0/0 cpu=8/0/8 memory=16Gi/0/16Gi nvidia.com/gpu=4/0/4 pods=110/0/110 z.example.com/fpga=0/0/0"
	if got := words(r); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	var many []corev1.ResourceName
	for i := range 2 * capacity.MaxResources {
		many = append(many, corev1.ResourceName(fmt.Sprintf("a%03d.example.com/device", i)))
	}
	full := r.WithNone(many)
	if _, ok := full.Find("nvidia.com/gpu"); len(full.Resources) != capacity.MaxResources || !ok {
		t.Errorf("the report has %d resources", len(full.Resources))
	}
	if got := words(r); got != want {
		t.Errorf("the first report changed: %s", got)
	}
}

// A report is limited; what each pod needs is always in it.
func TestReportIsLimited(t *testing.T) {
	var many []string
	for i := range 2 * capacity.MaxResources {
		many = append(many, fmt.Sprintf("a%03d.example.com/device=1", i))
	}
	r := ofNodes([]*corev1.Node{node("a", append(many, "cpu=1", "memory=1Gi", "pods=1")...)}, nil, capacity.Options{})
	if len(r.Resources) != capacity.MaxResources {
		t.Errorf("the report has %d resources", len(r.Resources))
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods, "a000.example.com/device"} {
		if _, ok := r.Find(name); !ok {
			t.Errorf("the report has no %s", name)
		}
	}
}
