package capacity_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
)

// quota returns a ResourceQuota that is in effect.
func quota(namespace string, hard ...string) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "quota", Namespace: namespace},
		Spec:       corev1.ResourceQuotaSpec{Hard: amounts(hard...)},
		Status:     corev1.ResourceQuotaStatus{Hard: amounts(hard...)},
	}
}

func scoped(scopes ...corev1.ResourceQuotaScope) func(*corev1.ResourceQuota) {
	return func(q *corev1.ResourceQuota) { q.Spec.Scopes = scopes }
}

func forClass(operator corev1.ScopeSelectorOperator, classes ...string) func(*corev1.ResourceQuota) {
	return func(q *corev1.ResourceQuota) {
		q.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: operator, Values: classes},
		}}
	}
}

func fromTemplate(q *corev1.ResourceQuota) {
	q.Labels = map[string]string{"interlink.io/namespace-template": "hash"}
}

func in(namespace string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Namespace = namespace }
}

func limits(pairs ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Limits = amounts(pairs...) }
}

func ofClass(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.PriorityClassName = name }
}

func ofQuotas(quotas []*corev1.ResourceQuota, pods []*corev1.Pod, options capacity.Options) capacity.Report {
	options.Instance = "here"
	var q []capacity.Quota
	for _, object := range quotas {
		q = append(q, capacity.NewQuota(object, options))
	}
	var p []capacity.Pod
	for _, object := range pods {
		p = append(p, capacity.NewPod(object, options))
	}
	return capacity.OfQuotas(slices.Values(q), slices.Values(p), options)
}

func TestOfQuotas(t *testing.T) {
	mine := func(namespace string) bool { return strings.HasPrefix(namespace, "ns") }
	type quotas = []*corev1.ResourceQuota
	type pods = []*corev1.Pod
	for _, test := range []struct {
		name    string
		quotas  quotas
		pods    pods
		options capacity.Options
		want    string
	}{
		{"no quota", nil, nil, capacity.Options{}, ""},
		{"all words for the same", quotas{quota("ns", "cpu=4", "requests.memory=8Gi", "pods=10", "requests.nvidia.com/gpu=2", "ephemeral-storage=10Gi", "requests.hugepages-2Mi=1Gi")}, nil,
			capacity.Options{}, "cpu=4/0/4 ephemeral-storage=10Gi/0/10Gi hugepages-2Mi=1Gi/0/1Gi memory=8Gi/0/8Gi nvidia.com/gpu=2/0/2 pods=10/0/10"},
		{"what is no resource of a node", quotas{quota("ns", "cpu=4", "count/configmaps=1", "services=1", "requests.storage=1Gi", "persistentvolumeclaims=2",
			"gold.storageclass.storage.k8s.io/requests.storage=1Gi")}, nil, capacity.Options{}, "cpu=4/0/4"},
		{"what others use", quotas{quota("ns", "cpu=4", "pods=10")}, pods{pod("a", "cpu=1", "memory=9Gi"), pod("", "cpu=500m"), with(pod("b", "cpu=2"), own), with(pod("b", "cpu=1"), in("other"))},
			capacity.Options{}, "cpu=2500m/2/4 pods=8/1/10"},
		{"pods that have ended count for count/pods only", quotas{quota("ns", "cpu=4", "count/pods=10")},
			pods{with(pod("a", "cpu=1"), phase(corev1.PodFailed)), with(pod("a", "cpu=1"), own, phase(corev1.PodSucceeded)), with(pod("a", "cpu=1"), own)},
			capacity.Options{}, "cpu=4/1/4 pods=8/1/10"},
		{"the least of several limits", quotas{quota("ns", "cpu=4", "requests.cpu=3"), quota("ns", "requests.cpu=2500m", "pods=5")}, nil, capacity.Options{}, "cpu=2500m/0/2500m pods=5/0/5"},
		{"limits bound requests, and what is between them is not free", quotas{quota("ns", "limits.cpu=10")},
			pods{with(pod("a", "cpu=1"), limits("cpu=3")), with(pod("a", "cpu=1"), own, limits("cpu=2"))}, capacity.Options{}, "cpu=6/1/10"},
		{"more is used than there is", quotas{quota("ns", "cpu=1")}, pods{pod("a", "cpu=3"), pod("a", "cpu=9e30"), pod("a", "cpu=9e30")}, capacity.Options{}, "cpu=0/0/1"},
		{"the reserve", quotas{quota("ns", "cpu=1", "nvidia.com/gpu=8", "requests.nvidia.com/gpu=8")}, nil, capacity.Options{Reserve: 30}, "cpu=700m/0/1 nvidia.com/gpu=5/0/8"},
		{"what the API server enforces", quotas{with(quota("ns", "cpu=1"), func(q *corev1.ResourceQuota) { q.Spec.Hard = amounts("cpu=5") })}, nil, capacity.Options{}, "cpu=1/0/1"},
		{"before the first sync", quotas{with(quota("ns", "cpu=1"), func(q *corev1.ResourceQuota) { q.Status.Hard = nil })}, nil, capacity.Options{}, "cpu=1/0/1"},
		{"of two namespaces", quotas{quota("ns1", "cpu=1", "pods=4"), quota("ns2", "cpu=2"), quota("foreign", "cpu=100")}, nil, capacity.Options{}, "cpu=3/0/3"},
		{"a namespace with own pods and no quota limits nothing", quotas{quota("ns1", "cpu=1")}, pods{with(pod("a", "cpu=1"), own, in("free"))}, capacity.Options{}, ""},
		{"a namespace with own pods counts", quotas{quota("foreign", "cpu=7")}, pods{with(pod("a", "cpu=1"), own, in("foreign"))}, capacity.Options{}, "cpu=7/1/7"},
		{"a quota from the template counts", quotas{with(quota("foreign", "cpu=7"), fromTemplate)}, nil, capacity.Options{}, "cpu=7/0/7"},
		{"the next namespace", quotas{quota("ns", "cpu=4")}, pods{with(pod("a", "cpu=4"), own)},
			capacity.Options{Next: []capacity.Quota{capacity.NewQuota(quota("", "cpu=2", "memory=1Gi"), capacity.Options{})}}, "cpu=6/4/6"},
		{"the first namespace", nil, nil,
			capacity.Options{Next: []capacity.Quota{capacity.NewQuota(quota("", "cpu=2", "memory=1Gi"), capacity.Options{})}}, "cpu=2/0/2 memory=1Gi/0/1Gi"},
		{"scopes that are not those of all pods", quotas{with(quota("ns", "pods=1"), scoped(corev1.ResourceQuotaScopeBestEffort)),
			with(quota("ns", "cpu=1"), scoped(corev1.ResourceQuotaScopeTerminating)), with(quota("ns", "cpu=1"), scoped(corev1.ResourceQuotaScopePriorityClass)), quota("ns", "cpu=5")},
			nil, capacity.Options{}, "cpu=5/0/5"},
		{"all pods that request something", quotas{with(quota("ns", "pods=1", "cpu=3"), scoped(corev1.ResourceQuotaScopeNotBestEffort))}, nil, capacity.Options{}, "cpu=3/0/3"},
		{"the class of remote pods", quotas{with(quota("ns", "cpu=3"), forClass(corev1.ScopeSelectorOpIn, "batch"))}, pods{pod("a", "cpu=1"), with(pod("a", "cpu=500m"), ofClass("batch"))},
			capacity.Options{PriorityClass: "batch"}, "cpu=2500m/0/3"},
		{"other classes", quotas{with(quota("ns", "cpu=3"), forClass(corev1.ScopeSelectorOpNotIn, "batch")), with(quota("ns", "cpu=2"), forClass(corev1.ScopeSelectorOpDoesNotExist)),
			with(quota("ns", "cpu=7"), forClass(corev1.ScopeSelectorOpExists))}, nil, capacity.Options{PriorityClass: "batch"}, "cpu=7/0/7"},
		{"an operator of the future", quotas{with(quota("ns", "cpu=3"), forClass("Like", "batch"))}, nil, capacity.Options{PriorityClass: "batch"}, ""},
	} {
		test.options.IsOwn = mine
		if test.name == "no quota" || test.name == "the first namespace" {
			test.options.IsOwn = nil
		}
		if got := words(ofQuotas(test.quotas, test.pods, test.options)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}
