package interruptions

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// The API server answers the delete of a claim with a conflict. That does not mean that the claim is gone: the plugin
// looks at it again, and deletes it.
func TestClaimWhoseDeleteConflictsIsDeleted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.start()
	r := request(1)
	jid := i.create(r)
	conflicts := 0
	i.link.on(func(c call) faulty.Fault {
		if c.String() == "DELETE persistentvolumeclaims/name" && conflicts < 3 {
			conflicts++
			return faulty.Conflict
		}
		return ""
	})
	i.delete(r, jid)
	s.eventuallyNothingLeft()
	if conflicts != 3 {
		t.Errorf("%d conflicts, want 3", conflicts)
	}
}

// A claim is deleted and made again while the plugin deletes it: the API server's conflict is a real one. The new claim
// belongs to a pod that exists, and stays.
func TestClaimThatIsMadeAgainStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i, other := s.start(), s.start()
	first, second := request(1), request(0)
	name := claimOf(first)
	claim(&second, name, "delete")
	jid := i.create(first)
	var made atomic.Bool
	i.link.on(func(c call) faulty.Fault {
		if c.String() == "DELETE persistentvolumeclaims/name" && made.CompareAndSwap(false, true) {
			s.deleteClaim(name)
			other.create(second)
		}
		return ""
	})
	i.delete(first, jid)
	testkit.Eventually(t, "the claim is looked at again", func() bool {
		looks := 0
		for _, c := range i.link.seen() {
			if c.String() == "GET persistentvolumeclaims/name" {
				looks++
			}
		}
		return made.Load() && looks > 1 && len(s.left()) == 2
	})
	if left := s.left(); !slices.Contains(left, "claims/"+name) {
		t.Errorf("these objects are left: %v, want the pod and its claim", left)
	}
	i.delete(second, "")
	s.eventuallyNothingLeft()
}
