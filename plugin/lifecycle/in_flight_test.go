package lifecycle

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A delete forgets the deletes that are old enough, and only those: not one that came again since then.
func TestOldDeletesAreForgotten(t *testing.T) {
	now := time.Now()
	long := now.Add(-rememberDeleteFor - time.Minute)
	f := inFlight{
		deletes: map[string]deletion{"old": {at: long}, "again": {at: now}},
		order:   []deletedAt{{"old", long}, {"again", long}, {"again", now}},
	}
	f.addDelete(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "new"}})
	for uid, want := range map[string]bool{"old": false, "again": true, "new": true} {
		if _, remembered := f.deletes[uid]; remembered != want {
			t.Errorf("delete of %s: remembered %t, want %t", uid, remembered, want)
		}
	}
	if len(f.order) != 2 {
		t.Errorf("the order has %v, want those that are remembered", f.order)
	}
}
