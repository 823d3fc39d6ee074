package quotawait

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
)

// refusal is an answer of the API server that an object exceeds a quota.
type refusal struct {
	text                   string // the API server's words
	quota                  string
	requested, used, limit map[string]resource.Quantity
}

// words are the API server's own. It names one quota, and of that quota the resources that
// are exceeded:
// https://github.com/kubernetes/apiserver/blob/master/pkg/admission/plugin/resourcequota/controller.go
var words = regexp.MustCompile(`exceeded quota: ([^,\s]+), requested: (\S+), used: (\S+), limited: (\S+)`)

// refusalOf returns the refusal in an error; ok is false if the error is another one.
func refusalOf(err error) (r refusal, ok bool) {
	text := err.Error()
	var answer apierrors.APIStatus
	if errors.As(err, &answer) {
		text = answer.Status().Message
	}
	return parseRefusal(text)
}

func parseRefusal(text string) (refusal, bool) {
	found := words.FindStringSubmatch(text)
	if found == nil {
		return refusal{}, false
	}
	requested, ok1 := parseQuantities(found[2])
	used, ok2 := parseQuantities(found[3])
	limit, ok3 := parseQuantities(found[4])
	return refusal{text: text, quota: found[1], requested: requested, used: used, limit: limit}, ok1 && ok2 && ok3
}

// parseQuantities parses "cpu=1,memory=2Gi".
func parseQuantities(list string) (map[string]resource.Quantity, bool) {
	quantities := map[string]resource.Quantity{}
	for item := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(item, "=")
		quantity, err := resource.ParseQuantity(value)
		if err != nil {
			return nil, false
		}
		quantities[name] = quantity
	}
	return quantities, true
}

// fits reports whether the object fits into the quota while nothing else uses it.
func (r refusal) fits() bool {
	for name, requested := range r.requested {
		if limit, ok := r.limit[name]; !ok || requested.Cmp(limit) > 0 {
			return false
		}
	}
	return true
}

// countsStored reports whether the object is refused only because of resources that also count
// stored requests.
func (r refusal) countsStored() bool {
	for name := range r.requested {
		if !countsStored[name] {
			return false
		}
	}
	return len(r.requested) > 0
}

// fitsWithout reports whether the quota would permit the object if it did not use a number
// of objects of each kind.
func (r refusal) fitsWithout(objects int) bool {
	for name, requested := range r.requested {
		sum := r.used[name].DeepCopy()
		sum.Sub(*resource.NewQuantity(int64(objects), resource.DecimalSI))
		sum.Add(requested)
		if limit, ok := r.limit[name]; !ok || sum.Cmp(limit) > 0 {
			return false
		}
	}
	return true
}

// covers reports whether a quota that refuses r also refuses other at the same time: other
// asks the same quota for at least as much.
func (r refusal) covers(other refusal) bool {
	if r.quota == "" || r.quota != other.quota {
		return false
	}
	for name, requested := range r.requested {
		if more, ok := other.requested[name]; !ok || more.Cmp(requested) < 0 {
			return false
		}
	}
	return true
}
