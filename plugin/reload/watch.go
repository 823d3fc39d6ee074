package reload

import (
	"context"
	"os"
	"time"
)

// Cause says why the configuration is read again.
type Cause string

// The causes.
const (
	Started Cause = "start"
	Signal  Cause = "SIGHUP"
	File    Cause = "file"
)

// tries is how often a reload starts again if a file changes meanwhile.
const tries = 3

// Watch reads a configuration again when it may have changed.
type Watch struct {
	// Every is the time between two looks at the files.
	Every time.Duration
	// Digest returns a text that is different for different contents of the files.
	Digest func() string
	// Read reads and checks the configuration, and changes nothing. It returns what makes use of it.
	Read func() (use func(Cause))

	// used is the digest of what was last made use of, and seen that of the last look.
	used, seen string
	// pending is a cause for which the files did not stand still.
	pending Cause
}

// Run works until ctx is done. It reads the configuration once when it starts, since the files can have changed after the
// program has read them; then after each signal, and after each change of the files. It is called once.
func (w *Watch) Run(ctx context.Context, signals <-chan os.Signal) {
	ticker := time.NewTicker(w.Every)
	defer ticker.Stop()
	w.reload(Started)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			w.reload(Signal)
		case <-ticker.C:
			w.look()
		}
	}
}

// look reloads if the files have another content than before, the second time.
func (w *Watch) look() {
	digest := w.Digest()
	stable := digest == w.seen
	w.seen = digest
	switch {
	case !stable:
	case w.pending != "":
		w.reload(w.pending)
	case digest != w.used:
		w.reload(File)
	}
}

// reload makes use of the configuration, if the files did not change while it was read: the files of a ConfigMap change
// together, and half of the new ones with half of the old ones are no configuration.
func (w *Watch) reload(cause Cause) {
	for range tries {
		before := w.Digest()
		use := w.Read()
		if w.Digest() == before {
			w.used, w.seen, w.pending = before, before, ""
			use(cause)
			return
		}
	}
	w.pending = cause
}
