package reload

import (
	"context"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// files are the content of all files, and what was made use of.
type files struct {
	mu      sync.Mutex
	content string
	used    []string
	// reading is called in the middle of each read.
	reading func()
}

func (f *files) write(content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.content = content
}

func (f *files) digest() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.content
}

func (f *files) read() func(Cause) {
	content := f.digest()
	f.mu.Lock()
	reading := f.reading
	f.mu.Unlock()
	if reading != nil {
		reading()
	}
	return func(cause Cause) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.used = append(f.used, string(cause)+" "+content)
	}
}

const every = 3 * time.Second

// watched runs a test of a Watch in a bubble with a virtual clock.
func watched(t *testing.T, test func(f *files, signals chan<- os.Signal)) *files {
	f := &files{content: "a"}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		signals := make(chan os.Signal, 1)
		w := &Watch{Every: every, Digest: f.digest, Read: f.read}
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx, signals) })
		synctest.Wait()
		test(f, signals)
		cancel()
		running.Wait()
	})
	return f
}

func pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (f *files) want(t *testing.T, want ...string) {
	t.Helper()
	if want = append([]string{"start a"}, want...); !slices.Equal(f.used, want) {
		t.Errorf("used %q, want %q", f.used, want)
	}
}

func TestASignalActsAtOnce(t *testing.T) {
	watched(t, func(f *files, signals chan<- os.Signal) {
		f.write("b")
		signals <- syscall.SIGHUP
		synctest.Wait()
		signals <- syscall.SIGHUP // also if nothing has changed
		synctest.Wait()
		pass(time.Hour)
	}).want(t, "SIGHUP b", "SIGHUP b")
}

// A change is seen within 10 s, once, and not while the file is being written.
func TestAChangeOfAFile(t *testing.T) {
	watched(t, func(f *files, _ chan<- os.Signal) {
		pass(time.Hour)
		for n := range 20 {
			f.write("half " + strconv.Itoa(n))
			pass(2 * time.Second) // less than an interval
		}
		f.write("whole")
		pass(10 * time.Second)
		if got := f.used[len(f.used)-1]; got != "file whole" {
			t.Errorf("after 10 s, the last one is %q", got)
		}
		pass(time.Hour)
		f.write("a")
		pass(time.Second)
		f.write("whole") // no look has seen the other content
		pass(time.Hour)
	}).want(t, "file whole")
}

// What changes while it is read is not used; it is read again, and at the next look if it never stands still.
func TestFilesThatChangeWhileTheyAreRead(t *testing.T) {
	watched(t, func(f *files, signals chan<- os.Signal) {
		during := func(reading func()) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.reading = reading
		}
		during(func() { during(nil); f.write("c") })
		signals <- syscall.SIGHUP
		synctest.Wait()
		n := 0
		during(func() { n++; f.write("moving " + strconv.Itoa(n)) })
		signals <- syscall.SIGHUP
		synctest.Wait()
		during(nil)
		pass(time.Hour)
	}).want(t, "SIGHUP c", "SIGHUP moving 3")
}
