package accounting_test

import (
	"cmp"
	"flag"
	"math/big"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// seeds is how many sites TestEachLedgerIsTrue has, 0 for few, and firstSeed is the seed of the first one. After a
// change of how the ledger counts, play some thousands: go test ./plugin/accounting -run TestEachLedgerIsTrue -args -seeds 2000
var (
	seeds     = flag.Uint64("seeds", 0, "how many sites are played")
	firstSeed = flag.Uint64("first-seed", 0, "the seed of the first site")
)

// Whatever happens on a site, and whenever: each ledger has counted exactly what ran until its time. If replicas
// are killed, it has never counted more, apart from the time until a kubelet reported an end: a replica that saw the
// end and was killed may have been the only one.
func TestEachLedgerIsTrue(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+cmp.Or(*seeds, uint64(pods/25)); seed++ {
		random := rand.New(rand.NewPCG(seed, 7))
		kills, replicas := seed%3 == 2, 1+int(seed)%2
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now().Unix()
			end := begin + 5*60*60
			day := workloads(random, 12, begin, end)
			s := &site{t: t, store: &memory{}, pods: map[types.UID]*corev1.Pod{}}
			s.store.failOften()
			for range replicas {
				s.start()
			}
			often := 60 + random.IntN(600) // steps between two events
			looked, next := 0, begin
			s.play(day, end, func(now int64) {
				switch random.IntN(often) {
				case 0:
					if len(s.replicas) > 0 {
						s.end(random.IntN(len(s.replicas)), kills && random.IntN(2) == 0)
					}
				case 1:
					all := random.IntN(2) == 0
					for _, r := range s.replicas {
						r.cut = r.cut || all || random.IntN(2) == 0
					}
				}
				if len(s.replicas) < replicas && random.IntN(40) == 0 {
					s.start()
				}
				for _, r := range s.replicas {
					if r.cut && (random.IntN(20) == 0 || time.Since(r.followed) > 9*time.Minute) {
						s.list(r)
					}
					ledger := r.accounting.Ledger()
					if ledger == nil || ledger.Until < next {
						continue
					}
					looked, next = looked+1, ledger.Until+100+random.Int64N(400)
					want, most := map[string]*big.Int{}, map[string]*big.Int{}
					for _, w := range day {
						w.truthUntil(want, ledger.Until)
						w.late(kills).truthUntil(most, ledger.Until)
					}
					got := totals(t, ledger)
					for key, sum := range want {
						if got[key] == nil {
							got[key] = &big.Int{}
						}
						if order := got[key].Cmp(sum); got[key].Cmp(most[key]) > 0 || order < 0 && !kills {
							t.Fatalf("seed %d: after %d seconds, %s is %v, want %v", seed, ledger.Until-begin, key, got[key], sum)
						}
					}
					for key := range got {
						if want[key] == nil {
							t.Fatalf("seed %d: %s is %v, and no pod used it", seed, key, got[key])
						}
					}
				}
			})
			if looked < 20 {
				t.Errorf("seed %d: only %d ledgers were compared", seed, looked)
			}
			for len(s.replicas) > 0 {
				s.end(0, false)
			}
		})
	}
}

// A plugin that may not store the ledger counts in memory after some updates, until it is restarted. One that has
// shown a ledger does not: its totals stay as they are stored, and go on when it may store them again.
func TestTheStoreRefuses(t *testing.T) {
	refuse := func(string) failure { return failure{err: errdefs.New(errdefs.Refused, "forbidden")} }
	for name, shown := range map[string]bool{"from the beginning": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now().Unix()
				w := &workload{uid: "uid", namespace: "demo", deleted: now + 7200, requests: []corev1.ResourceList{{corev1.ResourceCPU: resource.MustParse("2")}}, runs: [][]run{{{now + 60, now + 3600}}}}
				s := &site{t: t, store: &memory{}, pods: map[types.UID]*corev1.Pod{}}
				if !shown {
					s.store.setFail(refuse)
				}
				r := s.start()
				first, until := int64(0), int64(0)
				at := func(minutes int64, what func()) {
					s.play([]*workload{w}, now+minutes*60, func(int64) {
						if ledger := r.accounting.Ledger(); ledger != nil {
							if first == 0 {
								first = ledger.Until
							}
							until = ledger.Until
						}
					})
					what()
				}
				var stood int64
				at(4, func() {
					if got := r.accounting.Ledger() != nil; got != shown || !r.accounting.Stored() {
						t.Errorf("after 4 minutes, a ledger is shown: %v; stored: %v", got, r.accounting.Stored())
					}
				})
				s.store.setFail(refuse)
				at(5, func() { stood = until })
				at(20, func() {
					if got := r.accounting.Stored(); got != shown || until != stood && shown || until <= stood && !shown {
						t.Errorf("after 20 minutes, the ledger is stored: %v; it had counted until %d, and now until %d", got, stood-now, until-now)
					}
				})
				s.store.setFail(nil)
				at(70, func() {
					want := map[string]*big.Int{}
					w.truthUntil(want, until)
					before := map[string]*big.Int{}
					w.truthUntil(before, first)
					got := totals(t, r.accounting.Ledger())["demo cpu"]
					if sum := want["demo cpu"]; before["demo cpu"] != nil {
						sum.Sub(sum, before["demo cpu"])
					}
					if got == nil || got.Cmp(want["demo cpu"]) != 0 {
						t.Errorf("%v is counted, want %v", got, want["demo cpu"])
					}
					if got := r.accounting.Stored(); got != shown || (s.store.version > 0) != shown {
						t.Errorf("afterwards the ledger is stored: %v, in version %d", got, s.store.version)
					}
				})
				s.end(0, false)
			})
		})
	}
}
