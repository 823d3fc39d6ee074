package accounting

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// Every is the pause between two updates of the ledger.
	Every = 30 * time.Second
	// Settle is how late a kubelet may report a start or an end.
	Settle = 2 * time.Minute
	// silent is how long nothing may be heard of the pods before an end in this time counts as unknown: an
	// API server sends a bookmark every minute.
	silent = 2 * time.Minute
	// longGap is how long nothing may be heard of the pods before what is heard next happened at an unknown
	// time.
	longGap = Every + silent
	// refusals is the number of updates in a row that are refused before the plugin counts in memory.
	refusals = 10
	// callTimeout limits one call, and lastTimeout the update before the plugin stops.
	callTimeout, lastTimeout = 20 * time.Second, 5 * time.Second
	// tries is how often an update is tried when another replica is first.
	tries = 5
	// patience is for how many updates the ledger may stand still before a replica moves it over a time of
	// which another replica may know more: see blind.
	patience = 8
	// goneKept is how many pods that are gone are remembered while the ledger cannot be stored.
	goneKept = 20_000
)

// Store keeps the text of a ledger.
type Store interface {
	// Load returns the text and its version. The error is of kind NotFound if none is stored.
	Load(ctx context.Context) (text, version string, err error)
	// Save stores a text in the place of the one with that version; without a version, none must be
	// stored. The error is of kind Conflict or Exists if another text is stored now.
	Save(ctx context.Context, text, version string) error
}

// Options are what Accounting depends on.
type Options struct {
	// Instance is the installation whose pods count.
	Instance string
	// Store is nil if the ledger is kept in memory only.
	Store Store
	// Followed returns when the pods were last listed, and until when the watch has told what there was to
	// tell since then. Both are zero before the pods are listed.
	Followed func() (listed, until time.Time)
	Log      *slog.Logger
	// Every and Settle take the place of the constants of these names, if they are not 0: tests cannot wait
	// for minutes.
	Every, Settle time.Duration
}

// Accounting keeps the ledger. Its methods are safe for concurrent use.
type Accounting struct {
	options Options
	shown   atomic.Pointer[Ledger]
	// trouble is the kind of the failure of the store that was logged last.
	trouble errdefs.Kind
	// refused counts the updates in a row that were refused, and inMemory says that the plugin has given up
	// to store the ledger.
	refused  int
	inMemory atomic.Bool
	// listed and followed are what Followed returned at the update before: what was told until then has been
	// handled.
	listed, followed time.Time
	blind            blind
	// sees says that the latest ledger has passed the blind time.
	sees bool

	mu      sync.Mutex
	known   *known
	hearing hearing
}

// New returns the accounting of an installation. It does nothing until [Accounting.Run].
func New(options Options) *Accounting {
	options.Every, options.Settle = cmp.Or(options.Every, Every), cmp.Or(options.Settle, Settle)
	a := &Accounting{options: options, known: newKnown()}
	a.inMemory.Store(options.Store == nil)
	return a
}

// HandlePodChange takes over the state of a remote pod that was added or changed.
func (a *Accounting) HandlePodChange(pod *corev1.Pod) {
	if pod.Labels[wire.LabelInstance] != a.options.Instance {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hear()
	a.known.observe(pod, a.hearing.seen(time.Now()))
}

// HandlePodGone takes over the last state of a remote pod that does not exist any more. If its delete was
// not seen, the pod is only missing in a later list, and may have changed after this state.
func (a *Accounting) HandlePodGone(pod *corev1.Pod, seen bool) {
	if pod.Labels[wire.LabelInstance] != a.options.Instance {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hear()
	if seen {
		a.known.gone(pod, a.hearing.seen(time.Now()))
	} else {
		a.known.missing(pod, a.hearing.before)
	}
}

// hear notes until when the watch has told what there was to tell, and returns it.
func (a *Accounting) hear() (listed, until time.Time) {
	listed, until = a.options.Followed()
	if now := time.Now(); until.After(now) {
		until = now
	}
	a.hearing.note(listed, until)
	return listed, until
}

// Run updates the ledger until ctx is done, and then once more.
func (a *Accounting) Run(ctx context.Context) {
	ticker := time.NewTicker(a.options.Every)
	defer ticker.Stop()
	for {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		a.update(call, false)
		cancel()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
			defer cancel()
			a.update(last, true)
			return
		}
	}
}

// Ledger returns the ledger as it is stored, or nil if it is not known yet.
func (a *Accounting) Ledger() *Ledger { return a.shown.Load() }

// Stored reports whether the ledger is stored, and not in memory only.
func (a *Accounting) Stored() bool { return !a.inMemory.Load() }

// update updates the ledger. last says that the plugin stops.
func (a *Accounting) update(ctx context.Context, last bool) {
	settled, heard := a.times()
	var err error
	if a.inMemory.Load() {
		if !heard.IsZero() {
			a.show(a.following(a.shown.Load(), settled, heard, time.Time{}))
		}
		return
	}
	for range tries {
		if err = a.store(ctx, settled, heard, last); !errdefs.Is(err, errdefs.Conflict) && !errdefs.Is(err, errdefs.Exists) {
			break
		}
	}
	a.judge(err)
}

// judge acts on the result of an update.
func (a *Accounting) judge(err error) {
	a.mu.Lock()
	dropped := a.known.limit(goneKept)
	a.mu.Unlock()
	if dropped {
		a.options.Log.Error("used resources are lost: too many pods are gone since the ledger was stored", "kept", goneKept)
	}
	switch kind := errdefs.KindOf(err); {
	case err == nil:
		a.refused = 0
		if a.trouble != "" {
			a.trouble = ""
			a.options.Log.Info("the ledger of used resources is stored again")
		}
	case kind == errdefs.Unavailable || kind == errdefs.Canceled || kind == errdefs.Conflict || kind == errdefs.Exists:
		// The log says by itself when the API server does not answer.
		a.options.Log.Debug("the ledger of used resources is not updated", "error", err)
	default:
		a.refused++
		if a.trouble != kind {
			a.trouble = kind
			a.options.Log.Warn("the ledger of used resources cannot be stored", "error", err)
		}
		if a.refused >= refusals && a.shown.Load() == nil {
			a.inMemory.Store(true)
			a.options.Log.Warn("the used resources are counted in memory, until the plugin is restarted")
		}
	}
}

// times returns until when everything is known, and until when the watch has told what there was to tell;
// zero if nothing was heard.
func (a *Accounting) times() (settled, heard time.Time) {
	a.mu.Lock()
	listed, followed := a.hear()
	a.mu.Unlock()
	heard = a.followed // the changes until then have been handled
	if !listed.Equal(a.listed) {
		a.blind.begin(heard.Add(-a.options.Settle), listed)
	}
	a.listed, a.followed = listed, followed
	if heard.IsZero() {
		return heard, heard
	}
	return heard.Add(-a.options.Settle), heard
}

// store loads the ledger, updates it, and stores and shows the result.
func (a *Accounting) store(ctx context.Context, settled, heard time.Time, last bool) error {
	text, version, err := a.options.Store.Load(ctx)
	if errdefs.Is(err, errdefs.NotFound) {
		text, version, err = "", "", nil
	}
	if err != nil {
		return err
	}
	shown := a.shown.Load()
	base := shown // also if it was removed, or replaced by an older one
	if text != "" || version != "" {
		stored, err := decode(text)
		if err != nil {
			return err
		}
		if shown == nil || stored.Until >= shown.Until {
			base = stored
		}
		if shown == nil {
			a.shown.Store(stored) // known is as it was: what is gone already still counts
		}
	}
	if a.followed.IsZero() || heard.IsZero() && base == nil {
		return nil // it was only to be shown
	}
	var assume time.Time
	if last {
		if assume = time.Now(); assume.Sub(a.followed) > silent {
			assume = a.followed
		}
	}
	next := a.following(base, settled, heard, assume)
	if err := a.options.Store.Save(ctx, next.encode(), version); err != nil {
		return err
	}
	a.show(next)
	return nil
}

// following returns the ledger after base, which is nil for the first one. assume is zero unless the
// plugin stops.
func (a *Accounting) following(base *Ledger, settled, heard, assume time.Time) *Ledger {
	a.mu.Lock()
	defer a.mu.Unlock()
	begins := base == nil
	if begins { // it begins here: what ran before is not counted
		base = &Ledger{Until: settled.Unix()}
	}
	until := settled.Unix()
	if a.sees = begins || a.inMemory.Load() || a.blind.over(base.Until, time.Now(), a.options.Settle+patience*a.options.Every); !a.sees {
		until = min(until, a.blind.from)
	}
	return base.next(facts{
		settled: until, heard: heard.Unix(), assume: max(0, assume.Unix()),
		meters: a.known.meters(), has: a.known.has,
	})
}

// show shows a ledger that is stored.
func (a *Accounting) show(ledger *Ledger) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sees {
		a.blind = blind{}
	}
	a.known.counted(ledger.Until)
	a.shown.Store(ledger)
}
