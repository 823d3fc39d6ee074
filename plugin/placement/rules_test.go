package placement_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/placement"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func parse(t *testing.T, text string) placement.Rules {
	t.Helper()
	rules, err := placement.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// podOf returns a pod of namespace team-a on the virtual node vk-1 that requests a resource.
func podOf(requested string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "team-a", Labels: map[string]string{"app": "train-1"}, Annotations: map[string]string{}},
		Spec: corev1.PodSpec{
			NodeName: "vk-1", NodeSelector: map[string]string{"pool": "gpu/large"},
			InitContainers: []corev1.Container{{Name: "init"}},
			Containers:     []corev1.Container{{Name: "main"}},
		},
	}
	if requested != "" {
		pod.Spec.InitContainers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceName(requested): resource.MustParse("1")}
	}
	return pod
}

// Each rule gives its number as runtime class, so the class shows which rule decides.
func TestMatch(t *testing.T) {
	rules := parse(t, `
- {match: {namespaces: [other]}, runtimeClass: "1"}
- {match: {resources: ["nvidia.com/mig-*"], virtualNodes: ["vk-2"]}, runtimeClass: "2"}
- {match: {resources: ["amd.com/gpu", "nvidia.com/mig-*"]}, runtimeClass: "3"}
- {match: {resources: ["nvidia.com/*"], labels: {app: "train-*"}, nodeSelector: {pool: "gpu*"}, namespaces: ["team-*"], virtualNodes: ["vk-*"]}, runtimeClass: "4"}
- {match: {labels: {app: "*", missing: "*"}}, runtimeClass: "5"}
- {match: {nodeSelector: {pool: cpu}}, runtimeClass: "6"}`)
	for requested, want := range map[string]string{
		"nvidia.com/mig-1g.5gb": "3", "nvidia.com/gpu": "4", "amd.com/gpu": "3", "nvidia.community/gpu": "base", "cpu": "base", "": "base",
	} {
		placed, byRule := rules.For(podOf(requested), placement.Placement{RuntimeClass: "base"})
		if placed.RuntimeClass != want || byRule != (want != "base") {
			t.Errorf("a pod that requests %q has class %q (by a rule: %v), want %q", requested, placed.RuntimeClass, byRule, want)
		}
	}
	zero := podOf("amd.com/gpu")
	zero.Spec.InitContainers[0].Resources.Limits["amd.com/gpu"] = resource.MustParse("0")
	if placed, _ := rules.For(zero, placement.Placement{}); placed.RuntimeClass != "" {
		t.Error("a request of 0 is one")
	}
	whole := podOf("")
	whole.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{"amd.com/gpu": resource.MustParse("1")}}
	if placed, _ := rules.For(whole, placement.Placement{}); placed.RuntimeClass != "3" {
		t.Error("the resources of a pod as a whole are not looked at")
	}
}

// A rule changes the fields that it names, and none of its values is shared with a pod.
func TestFor(t *testing.T) {
	rules := parse(t, `
affinities:
  apart: {podAntiAffinity: {}}
rules:
- {match: {namespaces: [set]}, priorityClass: p, serviceAccount: s, scheduler: c, nodeSelector: {a: b}, tolerations: [{key: k}], imagePullSecrets: [i], affinity: apart}
- {match: {namespaces: [empty]}, runtimeClass: "", priorityClass: "", serviceAccount: "", scheduler: "", nodeSelector: {}, tolerations: [], imagePullSecrets: [], affinity: ""}
- {match: {namespaces: [nothing]}}`)
	base := placement.Placement{
		RuntimeClass: "r0", PriorityClass: "p0", ServiceAccount: "s0", Scheduler: "c0",
		NodeSelector: map[string]string{"0": "0"}, Tolerations: []corev1.Toleration{{Key: "0"}}, ImagePullSecrets: []string{"0"}, Affinity: &corev1.Affinity{},
	}
	for namespace, want := range map[string]placement.Placement{
		"nothing": base,
		"empty":   {NodeSelector: map[string]string{}, Tolerations: []corev1.Toleration{}, ImagePullSecrets: []string{}},
		"set": {
			RuntimeClass: "r0", PriorityClass: "p", ServiceAccount: "s", Scheduler: "c", NodeSelector: map[string]string{"a": "b"},
			Tolerations: []corev1.Toleration{{Key: "k"}}, ImagePullSecrets: []string{"i"}, Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}},
		},
	} {
		pod := podOf("")
		pod.Namespace = namespace
		placed, _ := rules.For(pod, base)
		if diff := cmp.Diff(want, placed); diff != "" {
			t.Errorf("%s: %s", namespace, diff)
		}
		if namespace == "set" {
			placed.NodeSelector["x"], placed.Affinity.NodeAffinity = "x", &corev1.NodeAffinity{}
			if again, _ := rules.For(pod, base); cmp.Diff(want, again) != "" {
				t.Error("a change of one placement changes the rules")
			}
		}
	}
}

// No text of a user gives a placement that the site does not permit.
func TestChoose(t *testing.T) {
	rules := parse(t, `{affinities: {apart: {podAntiAffinity: {}}}}`)
	allowed := []placement.Value{{"runtimeClass", "nvidia*"}, {"nodeSelector", "example.org/pool=*"}, {"tolerations", "gpu*"}, {"affinity", "*"}}
	for _, test := range []struct {
		field, value string
		want         placement.Placement
		warning      string
	}{
		{"runtimeClass", "nvidia-a", placement.Placement{RuntimeClass: "nvidia-a"}, ""},
		{"runtimeClass", " nvidia ", placement.Placement{RuntimeClass: "nvidia"}, ""},
		{"runtimeClass", "kata", placement.Placement{}, "the site does not permit it"},
		{"runtimeClass", "nvidia,kata", placement.Placement{}, "it is no valid name"},
		{"runtimeClass", "", placement.Placement{}, ""},
		{"priorityClass", "system-node-critical", placement.Placement{}, `the value "system-node-critical" of annotation interlink.io/placement.priorityClass is left out: the site does not permit it ([offloading] placement_allowed)`},
		{"nodeSelector", "example.org/pool=a", placement.Placement{NodeSelector: map[string]string{"example.org/pool": "a"}}, ""},
		{"nodeSelector", "example.org/pool=a b", placement.Placement{}, "it must be such as example.org/pool=gpu"},
		{"nodeSelector", "x=example.org/pool=a", placement.Placement{}, "the site does not permit it"},
		{"tolerations", "gpu", placement.Placement{Tolerations: []corev1.Toleration{{Key: "gpu", Operator: "Exists"}}}, ""},
		{"tolerations", "gpu=a:NoExecute", placement.Placement{Tolerations: []corev1.Toleration{{Key: "gpu", Operator: "Equal", Value: "a", Effect: "NoExecute"}}}, ""},
		{"tolerations", "=:NoSchedule", placement.Placement{}, "the site does not permit it"},
		{"tolerations", "gpu:", placement.Placement{}, "it must be such as"},
		{"affinity", "apart", placement.Placement{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}}}, ""},
		{"affinity", "other", placement.Placement{}, "the site has no affinity of that name"},
		{"nodeName", "node-1", placement.Placement{}, "it can be for runtimeClass, "},
		{"runtimeClass", strings.Repeat("x", 300), placement.Placement{}, strings.Repeat("x", 63) + `..."`},
	} {
		pod := podOf("")
		pod.Annotations[wire.AnnotationPlacementPrefix+test.field] = test.value
		var placed placement.Placement
		warnings := rules.Choose(pod, &placed, allowed)
		if diff := cmp.Diff(test.want, placed); diff != "" {
			t.Errorf("%s=%s: %s", test.field, test.value, diff)
		}
		if (test.warning == "") != (len(warnings) == 0) || !strings.Contains(strings.Join(warnings, "\n"), test.warning) {
			t.Errorf("%s=%s: the warnings are %q, want %q", test.field, test.value, warnings, test.warning)
		}
	}
}

// What a pod chooses is added to its own placement only.
func TestChooseChangesNoRule(t *testing.T) {
	base := placement.Placement{NodeSelector: map[string]string{"a": "b"}, Tolerations: make([]corev1.Toleration, 0, 9), ImagePullSecrets: make([]string, 0, 9)}
	var rules placement.Rules
	pod := podOf("")
	for _, field := range []string{"nodeSelector", "tolerations", "imagePullSecrets"} {
		pod.Annotations[wire.AnnotationPlacementPrefix+field] = map[string]string{"nodeSelector": "a=c"}[field] + map[string]string{"tolerations": "t", "imagePullSecrets": "s"}[field]
	}
	placed := base
	if warnings := rules.Choose(pod, &placed, []placement.Value{{"nodeSelector", "*"}, {"tolerations", "*"}, {"imagePullSecrets", "*"}}); len(warnings) > 0 {
		t.Errorf("the warnings are %q", warnings)
	}
	if placed.NodeSelector["a"] != "c" || len(placed.Tolerations) != 1 || !slices.Equal(placed.ImagePullSecrets, []string{"s"}) {
		t.Errorf("the placement is %+v", placed)
	}
	if base.NodeSelector["a"] != "b" || base.Tolerations[:1][0].Key != "" || base.ImagePullSecrets[:1][0] != "" {
		t.Error("the placement of other pods is changed")
	}
}

// A long annotation gives few warnings, and few values.
func TestChooseHasLimits(t *testing.T) {
	many := func(format string) string {
		var items []string
		for i := range 10_000 {
			items = append(items, fmt.Sprintf(format, i))
		}
		return strings.Join(items, ",")
	}
	pod := podOf("")
	pod.Annotations[wire.AnnotationPlacementPrefix+"imagePullSecrets"] = "a, a,b," + many("a%d")
	pod.Annotations[wire.AnnotationPlacementPrefix+"tolerations"] = many("key%d")
	for i := range 1000 {
		pod.Annotations[fmt.Sprintf("%sx%04d", wire.AnnotationPlacementPrefix, i)] = "a"
	}
	var rules placement.Rules
	var placed placement.Placement
	warnings := rules.Choose(pod, &placed, []placement.Value{{"imagePullSecrets", "a*"}})
	want := []string{
		`the value "b" of annotation interlink.io/placement.imagePullSecrets is left out: the site does not permit it ([offloading] placement_allowed)`,
		"annotation interlink.io/placement.imagePullSecrets has more than 16 values: the others are left out",
		`the value "key0" of annotation interlink.io/placement.tolerations is left out: the site does not permit it ([offloading] placement_allowed) (and 15 more)`,
		"annotation interlink.io/placement.tolerations has more than 16 values: the others are left out",
		"annotation interlink.io/placement.x0000 is left out: it can be for " + strings.Join(placement.Fields, ", ") + " (and 999 more)",
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Error(diff)
	}
	if len(placed.ImagePullSecrets) != 15 || placed.ImagePullSecrets[0] != "a" || placed.ImagePullSecrets[1] != "a0" {
		t.Errorf("the Secrets are %q", placed.ImagePullSecrets)
	}
}

// An affinity that the API server would refuse is an error at the start.
func TestParseAffinity(t *testing.T) {
	for text, want := range map[string]string{
		`{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}`:                                                           "nodeAffinity: nodeSelectorTerms is missing",
		`{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is}]}]}}}`:               `operator "Is"`,
		`{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}]}]}}}`:               "values",
		`{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: a, operator: In, values: [b]}]}]}}}`:       "matchFields can be only metadata.name",
		`{nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, preference: {matchExpressions: [{key: a, operator: Exists}]}}]}}`:    "weight is 101",
		`{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}`:                                                              `podAffinity: topologyKey "" is not valid`,
		`{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, labelSelector: {matchExpressions: [{key: a, operator: X}]}}]}}`: "podAntiAffinity: ",
		`{podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{podAffinityTerm: {topologyKey: a}}]}}`:                                         "weight is 0",
	} {
		if _, err := placement.Parse([]byte("affinities: {bad: " + text + "}")); err == nil || !strings.Contains(err.Error(), "affinity bad: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	parse(t, `affinities: {good: {
  nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Gt, values: ["1"]}], matchFields: [{key: metadata.name, operator: In, values: [b]}]}]}},
  podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {a: b}}}}]}}}`)
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "there is no rule in it",
		`[{runtime_class: a}]`:                 `unknown field "runtime_class"`,
		`[{match: {label: {}}}]`:               `unknown field "label"`,
		`{rule: []}`:                           `unknown field "rule"`,
		`{affinities: {a: {pods: 1}}}`:         `unknown field "pods"`,
		`[{match: {namespaces: ["["]}}]`:       `rule 1: match.namespaces: "[" must be a text or a pattern`,
		`[{match: {labels: {a: "["}}}]`:        "rule 1: match.labels",
		`[{match: {nodeSelector: {a: "["}}}]`:  "rule 1: match.nodeSelector",
		`[{}, {runtimeClass: A}]`:              `rule 2: runtimeClass: "A" is not a valid name`,
		`[{scheduler: "a b"}]`:                 `rule 1: scheduler: "a b" is not a valid name`,
		`[{imagePullSecrets: [a, B]}]`:         `rule 1: imagePullSecrets: "B" is not`,
		`[{nodeSelector: {"a b": c}}]`:         "rule 1: nodeSelector: a b=c is not valid",
		`[{affinity: a}]`:                      `rule 1: affinity: there is no affinity "a" under affinities`,
		`[{tolerations: [{operator: Never}]}]`: "rule 1: tolerations: ",
	} {
		if _, err := placement.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
