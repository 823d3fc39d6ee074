package policy

import (
	"testing"

	standard "k8s.io/pod-security-admission/policy"
)

// A check of the library whose fields are not known is named in the library's words. After
// an update of the library this test says that one has come, or has gone.
func TestTheFieldsOfEachCheckAreKnown(t *testing.T) {
	known := map[standard.CheckID]bool{}
	for _, c := range standard.DefaultChecks() {
		known[c.ID] = true
		if fieldsOf[c.ID] == nil {
			t.Errorf("the fields of the check %s are not known", c.ID)
		}
	}
	for id := range fieldsOf {
		if !known[id] {
			t.Errorf("the library has no check %s", id)
		}
	}
}
