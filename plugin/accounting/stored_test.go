package accounting

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func TestStoredLedgerIsReadAgain(t *testing.T) {
	sum := &Amount{}
	sum.add(1<<62, 1<<40)
	sum.add(7, 1)
	ledger := &Ledger{
		Until:    1_800_000_000,
		Accounts: map[string]Account{"a": {Changed: 1_700_000_000, Totals: map[string]*Amount{"cpu": sum, "memory": {}}}},
		pending: map[meterKey]Meter{{"uid", "main"}: {
			Namespace: "a", Requests: map[string]int64{"cpu": 250}, Ran: []Interval{{1, 2}, {3, 4}}, Assumed: []Interval{{5, 6}},
		}},
	}
	again, err := decode(ledger.encode())
	if err != nil {
		t.Fatal(err)
	}
	if again.encode() != ledger.encode() || again.Accounts["a"].Totals["cpu"].thousandths.Cmp(&sum.thousandths) != 0 {
		t.Errorf("the ledger is\n%s, want\n%s", again.encode(), ledger.encode())
	}
}

// A ledger that a plugin stored which kept no counted ends is read, and goes on.
func TestALedgerOfBeforeGoesOn(t *testing.T) {
	const text = `{"format":1,"until":"2026-01-01T00:02:00Z","namespaces":{"demo":{"changed":"2026-01-01T00:01:30Z","totals":{"cpu":"12.500","memory":"1073741824"}}},` +
		`"pending":{"ends/":{"namespace":"demo","requests":{"memory":1024000},"ran":[[1767225720,1767225780]]},` +
		`"ends/main":{"namespace":"demo","requests":{"cpu":500},"ran":[[1767225720,1767225730],[1767225735,1767225785]]},` +
		`"stopped/main":{"namespace":"demo","requests":{"cpu":1000},"assumed":[[1767225720,1767225750]]},` +
		`"watched/main":{"namespace":"demo","requests":{"cpu":1000},"assumed":[[1767225720,1767225750]]}}}`
	ledger, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if again := ledger.encode(); again != text {
		t.Errorf("it is stored as\n%s, want\n%s", again, text)
	}
	later := ledger.Until + 600
	next := ledger.next(facts{settled: later, heard: later + 120, has: func(uid types.UID) bool { return uid == "watched" }})
	if got := next.Accounts["demo"].Totals; next.Until != later || got["cpu"].String() != "72.500" || got["memory"].String() != "1073803264" || len(next.pending) > 0 {
		t.Errorf("it goes on as %s", next.encode())
	}
}

// What the plugin did not write is not read, and so it is not overwritten.
func TestForeignLedgerIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "{}", "[]", "null", "not JSON", `{"format":2,"until":"2026-01-01T00:00:00Z"}`, `{"format":1}`,
		`{"format":1,"until":"2026-01-01T00:00:00Z","namespaces":{"a":{"changed":"2026-01-01T00:00:00Z","totals":{"cpu":"-1"}}}}`,
		`{"format":1,"until":"2026-01-01T00:00:00Z","namespaces":{"a":{"changed":"2026-01-01T00:00:00Z","totals":{"cpu":"1e9"}}}}`,
		`{"format":1,"until":"2026-01-01T00:00:00Z","pending":{"uid":{}}}`,
		`{"format":1,"until":"2026-01-01T00:00:00Z","pending":{"uid/a":{"requests":{"cpu":-1}}}}`,
		`{"format":1,"until":"2026-01-01T00:00:00Z","pending":{"uid/a":{"ran":[[2,1]]}}}`,
	} {
		if _, err := decode(text); !errdefs.Is(err, errdefs.Invalid) {
			t.Errorf("%s is read, with the error %v", text, err)
		}
	}
}

// A ledger has bounds: beyond them, namespaces share one account, unless another has been idle.
func TestLedgerIsBounded(t *testing.T) {
	ledger := &Ledger{Until: 1000}
	use := func(namespace string, from, to int64) {
		ledger = ledger.next(facts{settled: to, heard: to, has: func(types.UID) bool { return true }, meters: map[meterKey]Meter{
			{"uid", "c"}: {Namespace: namespace, Requests: map[string]int64{"cpu": 1000}, Ran: []Interval{{from, to}}},
		}})
	}
	name := func(i int) string {
		return strings.Repeat("n", 50) + string(rune('a'+i/26/26)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26))
	}
	for i := range maxNamespaces + 10 {
		use(name(i), ledger.Until, ledger.Until+1)
	}
	if n := len(ledger.Accounts); n != maxNamespaces+1 {
		t.Errorf("there are %d accounts", n)
	}
	if got := ledger.Accounts[Other].Totals["cpu"]; got == nil || got.String() != "10" {
		t.Errorf("the account of the others has %v", got)
	}
	if size := len(ledger.encode()); size > 1<<20-100<<10 {
		t.Errorf("the ledger has %d bytes", size)
	}
	use("late", ledger.Until+2*idle, ledger.Until+2*idle+5)
	if got := ledger.Accounts["late"].Totals["cpu"]; got == nil || got.String() != "5" {
		t.Errorf("a namespace after a time without usage has %v", got)
	}
}
