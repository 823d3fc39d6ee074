package accounting

import (
	"cmp"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Ledger is what all containers used until a time. It is not changed: [Ledger.next] returns another one.
type Ledger struct {
	// Until is the time until which everything is counted, in seconds since 1970.
	Until int64
	// Accounts are the totals, by local namespace.
	Accounts map[string]Account
	// pending is what is known about the time after Until, and would not be known any more after a restart. Ends
	// stay in it for a while (keepEnds).
	pending map[meterKey]Meter
}

// Account is what the containers of one local namespace used.
type Account struct {
	// Changed is when the account last grew, in seconds since 1970.
	Changed int64
	// Totals has a sum for each resource. It is not changed.
	Totals map[string]*Amount
}

// meterKey names a container of a remote pod; the container of a whole pod is empty.
type meterKey struct {
	pod       types.UID
	container string
}

// Meter is what one container, or one pod as a whole, requests, and when it ran.
type Meter struct {
	Namespace string
	// Requests are in thousandths, by resource.
	Requests map[string]int64
	// Ran has intervals in order, which do not overlap.
	Ran []Interval
	// Assumed has, for a container that still ran then, the time until the plugin stopped, or until its watch
	// was interrupted. It counts only if no plugin knows more, because the pod is gone when one looks again.
	Assumed []Interval
}

// facts are what a replica knows when it updates a ledger.
type facts struct {
	// settled is the time until which everything is known; it may be before the ledger's.
	settled int64
	// heard is the time until which the watch has told what there was to tell; it is after settled.
	heard  int64
	meters map[meterKey]Meter
	// has reports whether the replica knows how a pod goes on, or has seen how it ended.
	has func(types.UID) bool
	// assume is the time until which containers that run are assumed to have run, if the plugin stops;
	// otherwise it is 0.
	assume int64
}

const (
	// totalsBytes is how many bytes the totals may have, and pendingBytes how many the pending intervals: an
	// object has at most about a megabyte.
	totalsBytes, pendingBytes = 400 << 10, 400 << 10
	// maxNamespaces is how many namespaces a ledger has, and maxResources how many resources.
	maxNamespaces, maxResources = 1000, 64
	// keepEnds is for how many seconds an end stays in the ledger after it is counted: a replica whose watch was
	// interrupted before the kubelet reported the end may still assume that the container ran on.
	keepEnds = int64((Settle + Every) / time.Second)
	// idle is for how long an account does not change, in seconds, before it may be removed to make room.
	idle = 24 * 60 * 60
)

// next returns the ledger after an update. The time that it adds is in no earlier ledger, and in no
// later one.
func (l *Ledger) next(f facts) *Ledger {
	to := max(l.Until, f.settled)
	result := l.counted(f, to)
	if to < f.heard && result.pendingSize() > pendingBytes {
		// There is no room to wait for ends that kubelets report late.
		result = l.counted(f, f.heard)
	}
	result.dropPending()
	return result
}

// counted returns the ledger with everything counted until a time.
func (l *Ledger) counted(f facts, to int64) *Ledger {
	result := &Ledger{Until: to, Accounts: maps.Clone(l.Accounts), pending: map[meterKey]Meter{}}
	if result.Accounts == nil {
		result.Accounts = map[string]Account{}
	}
	all := maps.Clone(f.meters)
	if all == nil {
		all = map[meterKey]Meter{}
	}
	for key, stored := range l.pending {
		meter, ok := all[key]
		if !ok {
			meter = stored
		}
		meter.Ran = union(meter.Ran, stored.Ran)
		meter.Assumed = union(meter.Assumed, stored.Assumed)
		if f.has(key.pod) {
			meter.Assumed = nil // the pod itself knows
		}
		meter.Assumed = unlessSeen(meter.Assumed, meter.Ran)
		all[key] = meter
	}
	// In order, so that two replicas that know the same make the same ledger.
	keys := slices.SortedFunc(maps.Keys(all), func(a, b meterKey) int {
		return cmp.Or(cmp.Compare(a.pod, b.pod), cmp.Compare(a.container, b.container))
	})
	usage := map[string]map[string]*Amount{}
	for _, key := range keys {
		meter := all[key]
		if n := seconds(between(union(meter.Ran, meter.Assumed), l.Until, to)); n > 0 {
			for resource, request := range meter.Requests {
				addTo(usage, meter.Namespace, resource).add(request, n)
			}
		}
		rest := meter
		// An end that another replica has seen stays, also if this one has not seen it yet.
		rest.Ran = between(union(closed(f.meters[key].Ran), l.pending[key].Ran), to-keepEnds, open)
		rest.Assumed = meter.Assumed
		for _, i := range f.meters[key].Ran {
			if i.End == open {
				rest.Assumed = union(rest.Assumed, unlessSeen([]Interval{{i.Start, f.assume}}, rest.Ran))
			}
		}
		rest.Assumed = after(rest.Assumed, to)
		if len(rest.Ran)+len(rest.Assumed) > 0 {
			result.pending[key] = rest
		}
	}
	result.add(usage)
	return result
}

func addTo(usage map[string]map[string]*Amount, namespace, resource string) *Amount {
	if usage[namespace] == nil {
		usage[namespace] = map[string]*Amount{}
	}
	if usage[namespace][resource] == nil {
		usage[namespace][resource] = &Amount{}
	}
	return usage[namespace][resource]
}

// add adds the usage of namespaces.
func (l *Ledger) add(usage map[string]map[string]*Amount) {
	resources := map[string]bool{}
	for _, account := range l.Accounts {
		for resource := range account.Totals {
			resources[resource] = true
		}
	}
	size := l.totalsSize()
	for _, namespace := range slices.Sorted(maps.Keys(usage)) {
		for _, resource := range slices.Sorted(maps.Keys(usage[namespace])) {
			if !resources[resource] && len(resources) >= maxResources {
				continue // a node has offered it, so there are not that many
			}
			resources[resource] = true
			account := namespace
			if l.Accounts[account].Totals[resource] == nil && account != Other {
				more := entrySize(namespace, resource)
				if !l.makeRoom(namespace, &size, more) {
					account = Other
				} else {
					size += more
				}
			}
			l.book(account, resource, usage[namespace][resource])
		}
	}
}

// book adds an amount to a total.
func (l *Ledger) book(namespace, resource string, amount *Amount) {
	old := l.Accounts[namespace]
	account := Account{Changed: l.Until, Totals: maps.Clone(old.Totals)}
	if account.Totals == nil {
		account.Totals = map[string]*Amount{}
	}
	sum := &Amount{}
	if total := old.Totals[resource]; total != nil {
		sum.addAmount(total)
	}
	sum.addAmount(amount)
	account.Totals[resource] = sum
	l.Accounts[namespace] = account
}

// makeRoom removes accounts that have not changed for long, until there is room for another total. It
// reports whether there is room.
func (l *Ledger) makeRoom(namespace string, size *int, more int) bool {
	_, have := l.Accounts[namespace]
	for *size+more > totalsBytes || !have && len(l.Accounts) >= maxNamespaces {
		oldest := ""
		for name, account := range l.Accounts {
			if name == namespace || name == Other || l.Until-account.Changed < idle {
				continue
			}
			if a := l.Accounts[oldest]; oldest == "" || account.Changed < a.Changed || account.Changed == a.Changed && name < oldest {
				oldest = name
			}
		}
		if oldest == "" {
			return false
		}
		for resource := range l.Accounts[oldest].Totals {
			*size -= entrySize(oldest, resource)
		}
		delete(l.Accounts, oldest)
	}
	return true
}

// entrySize returns how many bytes a total has at most, and its part of the account.
func entrySize(namespace, resource string) int { return len(namespace) + len(resource) + 80 }

func (l *Ledger) totalsSize() int {
	size := 0
	for namespace, account := range l.Accounts {
		for resource := range account.Totals {
			size += entrySize(namespace, resource)
		}
	}
	return size
}

// pendingSize returns how many bytes the pending intervals have at most, without the assumed ones.
func (l *Ledger) pendingSize() int {
	size := 0
	for key, meter := range l.pending {
		if len(after(meter.Ran, l.Until)) > 0 {
			size += meterSize(key, meter)
		}
	}
	return size
}

func meterSize(key meterKey, m Meter) int {
	size := len(key.pod) + len(key.container) + len(m.Namespace) + 80 + 30*(len(m.Ran)+len(m.Assumed))
	for resource := range m.Requests {
		size += len(resource) + 25
	}
	return size
}

// dropPending removes pending meters for which there is no room: first those that have only counted ends,
// and then those that are only assumed.
func (l *Ledger) dropPending() {
	rank := func(k meterKey) int {
		switch m := l.pending[k]; {
		case len(after(m.Ran, l.Until)) > 0:
			return 0
		case len(m.Assumed) > 0:
			return 1
		}
		return 2
	}
	keys := slices.SortedFunc(maps.Keys(l.pending), func(a, b meterKey) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.pod, b.pod), cmp.Compare(a.container, b.container))
	})
	size := 0
	for _, key := range keys {
		if size += meterSize(key, l.pending[key]); size > pendingBytes {
			delete(l.pending, key)
		}
	}
}

// Resources returns the names of all resources that containers used, in no order.
func (l *Ledger) Resources() []corev1.ResourceName {
	if l == nil {
		return nil
	}
	names := map[string]bool{}
	for _, account := range l.Accounts {
		for name := range account.Totals {
			names[name] = true
		}
	}
	result := make([]corev1.ResourceName, 0, len(names))
	for name := range names {
		result = append(result, corev1.ResourceName(name))
	}
	return result
}
