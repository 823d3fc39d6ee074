package accounting

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// format is the number of this format. A plugin does not touch a ledger of another one.
const format = 1

// storedLedger is a ledger as JSON. docs/accounting.md tells sites what they can read.
type storedLedger struct {
	Format     int                      `json:"format"`
	Until      string                   `json:"until"` // RFC 3339, in UTC
	Namespaces map[string]storedAccount `json:"namespaces"`
	// Pending has a meter for each container ("<UID of the remote pod>/<name>"), or pod ("<UID>/").
	Pending map[string]storedMeter `json:"pending,omitempty"`
}

type storedAccount struct {
	Changed string            `json:"changed"`
	Totals  map[string]string `json:"totals"`
}

type storedMeter struct {
	Namespace string           `json:"namespace"`
	Requests  map[string]int64 `json:"requests"` // in thousandths
	Ran       [][2]int64       `json:"ran,omitempty"`
	Assumed   [][2]int64       `json:"assumed,omitempty"`
}

// encode returns a ledger as text. Equal ledgers have equal texts.
func (l *Ledger) encode() string {
	stored := storedLedger{Format: format, Until: encodeTime(l.Until), Namespaces: map[string]storedAccount{}, Pending: map[string]storedMeter{}}
	for name, account := range l.Accounts {
		totals := map[string]string{}
		for resource, total := range account.Totals {
			totals[resource] = total.String()
		}
		stored.Namespaces[name] = storedAccount{encodeTime(account.Changed), totals}
	}
	for key, m := range l.pending {
		stored.Pending[string(key.pod)+"/"+key.container] = storedMeter{m.Namespace, m.Requests, encodeIntervals(m.Ran), encodeIntervals(m.Assumed)}
	}
	text, err := json.Marshal(stored)
	if err != nil {
		panic(fmt.Sprintf("encode the ledger: %v", err)) // cannot happen: it has texts and integers only
	}
	return string(text)
}

func encodeTime(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

func encodeIntervals(intervals []Interval) [][2]int64 {
	var result [][2]int64
	for _, i := range intervals {
		result = append(result, [2]int64{i.Start, i.End})
	}
	return result
}

// decode reads a text of [Ledger.encode]. An error, of kind Invalid, is of a text that the plugin did
// not write, or a later version of it.
func decode(text string) (*Ledger, error) {
	fail := func(format string, args ...any) (*Ledger, error) {
		return nil, errdefs.New(errdefs.Invalid, "the stored ledger cannot be read: "+format, args...)
	}
	var stored storedLedger
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return fail("%w", err)
	}
	if stored.Format != format {
		return fail("it has the format %d, and this version of the plugin knows the format %d", stored.Format, format)
	}
	ledger := &Ledger{Accounts: map[string]Account{}, pending: map[meterKey]Meter{}}
	var err error
	if ledger.Until, err = decodeTime(stored.Until); err != nil {
		return fail("until: %w", err)
	}
	for name, s := range stored.Namespaces {
		account := Account{Totals: map[string]*Amount{}}
		if account.Changed, err = decodeTime(s.Changed); err != nil {
			return fail("namespace %.80q: changed: %w", name, err)
		}
		for resource, total := range s.Totals {
			if account.Totals[resource], err = parseAmount(total); err != nil {
				return fail("namespace %.80q: %.80q: %w", name, resource, err)
			}
		}
		ledger.Accounts[name] = account
	}
	for name, s := range stored.Pending {
		pod, container, ok := strings.Cut(name, "/")
		if !ok {
			return fail("pending: %.80q names no container", name)
		}
		meter := Meter{Namespace: s.Namespace, Requests: s.Requests}
		for _, request := range s.Requests {
			if request < 0 {
				return fail("pending: %.80q requests less than nothing", name)
			}
		}
		if meter.Ran, err = decodeIntervals(s.Ran); err != nil {
			return fail("pending: %.80q: %w", name, err)
		}
		if meter.Assumed, err = decodeIntervals(s.Assumed); err != nil {
			return fail("pending: %.80q: %w", name, err)
		}
		ledger.pending[meterKey{types.UID(pod), container}] = meter
	}
	return ledger, nil
}

func decodeTime(text string) (int64, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, err
	}
	return at.Unix(), nil
}

func decodeIntervals(pairs [][2]int64) ([]Interval, error) {
	var result []Interval
	for _, p := range pairs {
		if p[0] < 0 || p[1] <= p[0] || p[1] == open {
			return nil, fmt.Errorf("%v is not a time", p)
		}
		result = append(result, Interval{p[0], p[1]})
	}
	return union(result), nil
}
