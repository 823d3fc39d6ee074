package interruptions

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A pod as InterLink knows it: what it has sent, and what was answered.
type knownPod struct {
	wire.CreateRequest
	jid             string // of the answered create
	deleteSent      bool
	deleted         bool // the delete was answered
	interruptedCall string
}

// next sends the next call for the pod. After a kill, InterLink sends the create again (its virtual kubelet restarts) or
// gives the pod up and sends its delete.
func (p *knownPod) next(i *instance, giveUp bool) error {
	if p.jid == "" && !p.deleteSent && !giveUp {
		jid, err := i.tryCreate(p.CreateRequest)
		if err != nil {
			p.interruptedCall += " create"
			return err
		}
		p.jid = jid
	}
	p.deleteSent = true
	if err := i.tryDelete(p.CreateRequest, p.jid); err != nil {
		p.interruptedCall += " delete"
		return err
	}
	p.deleted = true
	return nil
}

// The program is killed again and again, each time at a random request of one of many creates and deletes. A delete that
// is answered, or is sent again, leaves nothing.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	const rounds, podsPerRound, seed = 10, 20, 20260311
	s := newSite(t)
	program := currentProgram(t)
	random := rand.New(rand.NewPCG(seed, 0))
	var all, open []*knownPod
	interrupted := 0
	for round := range rounds + 1 {
		i := s.startProgram(program)
		if round < rounds {
			for n := range podsPerRound {
				open = append(open, &knownPod{CreateRequest: request(n)})
			}
			all = append(all, open[len(open)-podsPerRound:]...)
			killAtRequest(i, 1+random.IntN(4*podsPerRound), random.IntN(2) == 0)
		}
		giveUp := make([]bool, len(open))
		for n := range giveUp {
			giveUp[n] = open[n].interruptedCall != "" && random.IntN(2) == 0
		}
		atOnce(len(open), func(n int) {
			if err := open[n].next(i, giveUp[n]); err != nil && round == rounds {
				t.Errorf("%s: %v", open[n].Pod.Name, err)
			}
		})
		var still []*knownPod
		for _, p := range open {
			if !p.deleted {
				still = append(still, p)
			}
		}
		interrupted += len(still)
		open = still
	}
	if interrupted < rounds {
		t.Errorf("only %d calls are interrupted", interrupted)
	}
	// As in TestCrashAtEachRequestOfADelete, a claim can be left for a second delete.
	last, claims := s.startProgram(program), s.eventuallyOnlyClaimsLeft()
	atOnce(len(all), func(n int) { last.delete(all[n].CreateRequest, all[n].jid) })
	s.eventuallyNothingLeft()
	t.Logf("%d pods, %d interrupted calls; %d claims were left for a second delete", len(all), interrupted, claims)
}

// killAtRequest kills a program at one request that changes something, before or after it is carried out.
func killAtRequest(i *instance, request int, carried bool) {
	var n atomic.Int64
	n.Store(int64(request))
	i.link.on(func(c call) faulty.Fault {
		if !c.writes() || n.Add(-1) != 0 {
			return ""
		}
		if carried {
			i.link.freeze() // its answer, too
		}
		go i.kill()
		if !carried {
			<-c.client.Done()
		}
		return ""
	})
}
