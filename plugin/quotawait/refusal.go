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
	text             string // the API server's words
	quota            string
	requested, limit map[string]resource.Quantity
}

// words are the API server's own. It names one quota, and of that quota the resources that
// are exceeded:
// https://github.com/kubernetes/apiserver/blob/master/pkg/admission/plugin/resourcequota/controller.go
var words = regexp.MustCompile(`exceeded quota: ([^,\s]+), requested: (\S+), used: (?:\S+), limited: (\S+)`)

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
	limit, ok2 := parseQuantities(found[3])
	return refusal{text: text, quota: found[1], requested: requested, limit: limit}, ok1 && ok2
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
