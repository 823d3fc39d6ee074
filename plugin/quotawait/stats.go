package quotawait

import "time"

// Stats returns the number of pods that wait, as far as this replica knows, and since when the
// oldest of them waits.
func (w *Waiting) Stats() (pods int, oldest time.Time) {
	waiting, _ := w.index.waiting("")
	if len(waiting) == 0 {
		return 0, time.Time{}
	}
	return len(waiting), waiting[0].since
}
