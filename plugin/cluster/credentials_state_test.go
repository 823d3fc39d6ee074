package cluster

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"
)

// The times say when the credentials in use were read first, and when they were last usable.
func TestWhenCredentialsWereRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token, failure := "a", error(nil)
		rotation, err := newRotatingTransport(func() (*rest.Config, error) {
			return &rest.Config{Host: "https://host", BearerToken: token}, failure
		}, func() *slog.Logger { return slog.New(slog.DiscardHandler) })
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		for _, step := range []struct {
			token        string
			failure      error
			loaded, read time.Duration
		}{
			{"a", nil, 0, 1 * time.Minute},
			{"b", nil, 2 * time.Minute, 2 * time.Minute},
			{"b", errors.New("no file"), 2 * time.Minute, 2 * time.Minute},
			{"b", errors.New("no file"), 2 * time.Minute, 2 * time.Minute},
			{"b", nil, 2 * time.Minute, 5 * time.Minute},
		} {
			time.Sleep(time.Minute)
			token, failure = step.token, step.failure
			rotation.look()
			got := rotation.state()
			if got.Loaded.Sub(started) != step.loaded || got.Read.Sub(started) != step.read || (got.Failure == "") != (step.failure == nil) {
				t.Errorf("after %s: %+v", time.Since(started), got)
			}
		}
	})
}
