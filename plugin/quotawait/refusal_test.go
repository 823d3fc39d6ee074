package quotawait

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestRefusal(t *testing.T) {
	for _, test := range []struct {
		text       string
		isRefusal  bool
		quota      string
		fits       bool
		coversPod1 bool
	}{
		{"exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3", true, "q", true, true},
		{"exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0", true, "q", false, true},
		{"exceeded quota: other, requested: pods=1, used: pods=3, limited: pods=3", true, "other", true, false},
		{"exceeded quota: q, requested: pods=1,requests.cpu=500m, used: pods=3,requests.cpu=1, limited: pods=3,requests.cpu=1", true, "q", true, false},
		{"exceeded quota: q, requested: limits.memory=2Gi,pods=1, used: limits.memory=0,pods=0, limited: limits.memory=1Gi,pods=3", true, "q", false, false},
		{"exceeded quota: a.b, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4", true, "a.b", true, false},
		{"exceeded quota: q, requested: gold.storageclass.storage.k8s.io/requests.storage=1Gi, used: gold.storageclass.storage.k8s.io/requests.storage=1Gi, limited: gold.storageclass.storage.k8s.io/requests.storage=1Gi", true, "q", true, false},
		{"exceeded quota: q, requested: cpu=1, used: cpu=1, limited: memory=1", true, "q", false, false},
		{"exceeded quota: q, requested: cpu=x, used: cpu=1, limited: cpu=1", false, "", false, false},
		{"exceeded quota: q", false, "", false, false},
		{"failed quota: q: must specify limits.cpu for: main", false, "", false, false},
	} {
		t.Run(test.text, func(t *testing.T) {
			answer := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "p", errors.New(test.text))
			r, ok := refusalOf(fmt.Errorf("create pod a/p: %w", answer))
			if ok != test.isRefusal {
				t.Fatalf("is a refusal: %v, want %v", ok, test.isRefusal)
			}
			if !ok {
				return
			}
			if r.quota != test.quota || r.fits() != test.fits {
				t.Errorf("quota %q fits %v, want %q %v", r.quota, r.fits(), test.quota, test.fits)
			}
			if want := `pods "p" is forbidden: ` + test.text; r.text != want {
				t.Errorf("the words are %q, want %q", r.text, want)
			}
			pod, _ := parseRefusal("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3")
			if got := r.covers(pod); got != test.coversPod1 {
				t.Errorf("covers a pod: %v, want %v", got, test.coversPod1)
			}
		})
	}
}

// What a pod asked for last decides whether a try is worth it after another was refused.
func TestCovers(t *testing.T) {
	of := func(requested string) refusal {
		t.Helper()
		r, ok := parseRefusal("exceeded quota: q, requested: " + requested + ", used: cpu=1,pods=1, limited: cpu=9,pods=9")
		if !ok {
			t.Fatalf("no refusal: %s", requested)
		}
		return r
	}
	for _, test := range []struct {
		refused, other string
		want           bool
	}{
		{"cpu=2", "cpu=2", true},
		{"cpu=2", "cpu=3", true},
		{"cpu=2", "cpu=1", false},
		{"cpu=2", "pods=1", false},
		{"cpu=2", "cpu=2,pods=1", true},
		{"cpu=2,pods=1", "cpu=2", false},
	} {
		if got := of(test.refused).covers(of(test.other)); got != test.want {
			t.Errorf("%s covers %s: %v, want %v", test.refused, test.other, got, test.want)
		}
	}
	if of("cpu=1").covers(refusal{}) || (refusal{}).covers(refusal{}) {
		t.Error("what is not known is covered")
	}
}
