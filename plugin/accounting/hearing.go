package accounting

import "time"

// hearing is when something was heard of the pods. It is not safe for concurrent use.
type hearing struct {
	// listed and until are what Options.Followed returned last.
	listed, until time.Time
	// before is when the pods were last heard of before the last gap, and after when they were heard of
	// again. A gap is a time after which the pods were listed, or a long silence: what changed in it is heard
	// later, or not at all.
	before, after time.Time
}

// note takes over what Options.Followed returns. It is called for each change of a pod, before the change
// counts: so a gap is known before what is heard after it.
func (h *hearing) note(listed, until time.Time) {
	if !listed.Equal(h.listed) || until.Sub(h.until) > longGap {
		h.before, h.after = h.until, until
	}
	h.listed, h.until = listed, until
}

// seen returns when a container ended at the latest whose pod is seen to have ended, or to be gone, without
// the time of its end: now. After a long gap, what is heard at first happened at an unknown time in it: then it
// is the begin of the gap, as what is not known is not counted.
func (h *hearing) seen(now time.Time) time.Time {
	if !h.before.IsZero() && h.after.Sub(h.before) > longGap && now.Sub(h.after) < Every {
		return h.before
	}
	return now
}

// blind is a time about which another replica may know more than this one, which has only listed the pods
// afterwards: what was gone then is known only by a replica that has seen it, and may not be stored yet. While
// other replicas move the ledger, this one does not move it over this time. The zero value is none.
type blind struct {
	// from and to are in seconds since 1970; all before from is known.
	from, to int64
}

// begin begins a blind time, or makes a longer one of it.
func (b *blind) begin(from, listed time.Time) {
	if b.to == 0 {
		b.from = from.Unix()
	}
	b.to = listed.Unix()
}

// over reports whether a ledger has passed the blind time, or if it stands still for so long that no other
// replica moves it.
func (b *blind) over(until int64, now time.Time, still time.Duration) bool {
	return until >= b.to || now.Sub(time.Unix(until, 0)) > still
}
