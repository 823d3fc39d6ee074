package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

// The kills, which are not faults of the proxy.
const (
	killBefore = "kill-before" // before the API server gets the call
	killAfter  = "kill-after"  // after it has carried out the call
)

// What happens after the program was killed during a create, and was started again.
const (
	thenDeleted   = "deleted"      // InterLink saw the create fail; the user deletes the pod
	thenAgain     = "again"        // the virtual kubelet was restarted, too, and sends the create again
	thenForgotten = "not reported" // the pod was deleted while the virtual kubelet was down
)

// A Case is one run of the matrix: one remote call fails in one way.
type Case struct {
	// Deleting is true for a call of the delete, and false for one of the create.
	Deleting bool
	// Call is the call as [faultproxy.Call.String] has it, and Nth its number among
	// those that are alike.
	Call string
	Nth  int
	// Fault is the name of a fault, or a kill.
	Fault string
	// Then is what follows a kill during a create.
	Then  string
	HTTP1 bool
}

func (c Case) String() string {
	protocol, during := "HTTP/2", "create"
	if c.HTTP1 {
		protocol = "HTTP/1.1"
	}
	if c.Deleting {
		during = "delete"
	}
	text := fmt.Sprintf("%s during a %s, at %s #%d, %s", c.Fault, during, c.Call, c.Nth, protocol)
	if c.Then != "" {
		text += ", then " + c.Then
	}
	return text
}

func (c Case) kills() bool { return c.Fault == killBefore || c.Fault == killAfter }

// final are the faults that cannot pass: the create fails at once, with their words.
var final = []string{"403-rights", "413", "500-too-large"}

// onlyCreates are the faults with which an API server answers nothing but creates: the
// key is a part of the call.
var onlyCreates = map[string]string{
	"403-quota": "POST ", "403-quota-unknown": "POST ", "413": "POST ", "500-too-large": "POST ", "403-service-account": "POST pods",
}

// ofConnection are the faults for which it matters how HTTP carries the call.
var ofConnection = []string{"html-200", "html-502", "empty-200", "reset-before", "reset-after", "body-short", "body-cut", "stall-10s", "stall", "stall-answer"}

// cases returns the whole matrix for the calls of a create and of a delete.
func cases(creates, deletes []faultproxy.Call) []Case {
	var all []Case
	for _, deleting := range []bool{false, true} {
		calls := creates
		if deleting {
			calls = deletes
		}
		for _, point := range points(calls) {
			point.Deleting = deleting
			for _, fault := range faultproxy.Faults() {
				if !possible(fault.Name, point.Call) {
					continue
				}
				point.Fault = fault.Name
				all = append(all, point)
				if slices.Contains(ofConnection, fault.Name) {
					overHTTP1 := point
					overHTTP1.HTTP1 = true
					all = append(all, overHTTP1)
				}
			}
			for _, kill := range []string{killBefore, killAfter} {
				point.Fault = kill
				if deleting {
					all = append(all, point)
					continue
				}
				for _, then := range []string{thenDeleted, thenAgain, thenForgotten} {
					killed := point
					killed.Then = then
					all = append(all, killed)
				}
			}
		}
	}
	return all
}

// possible reports whether an API server can answer a call in this way: only a create
// can exceed a quota, be too large, or need a service account.
func possible(fault, call string) bool {
	if !strings.HasPrefix(call, onlyCreates[fault]) {
		return false
	}
	return !strings.Contains(fault, "quota") || call != "POST namespaces" // no quota counts namespaces
}

// points returns one case for each call.
func points(calls []faultproxy.Call) []Case {
	counts := map[string]int{}
	var all []Case
	for _, c := range calls {
		name := c.String()
		counts[name]++
		all = append(all, Case{Call: name, Nth: counts[name]})
	}
	return all
}

// sample chooses some cases at random, of all kinds alike.
func sample(all []Case, count int, seed uint64) []Case {
	if count <= 0 || count >= len(all) {
		return all
	}
	random := rand.New(rand.NewPCG(seed, 0))
	shuffled := slices.Clone(all)
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	taken := map[string]int{}
	order := make(map[Case]int, len(shuffled)) // how many cases of its fault come before
	for _, c := range shuffled {
		order[c] = taken[c.Fault]
		taken[c.Fault]++
	}
	slices.SortStableFunc(shuffled, func(a, b Case) int { return order[a] - order[b] })
	return shuffled[:count]
}
