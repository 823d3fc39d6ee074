package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGivenClusters(t *testing.T) {
	existing := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(existing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		remote, local string
		given         bool
		err           string
	}{
		{"", "", false, ""},
		{existing, existing, true, ""},
		{existing, "", true, EnvLocal + " names no kubeconfig"},
		{"", existing, true, EnvRemote + " names no kubeconfig"},
		{existing, existing + "-missing", true, EnvLocal + " names no kubeconfig"},
	} {
		t.Setenv(EnvRemote, tc.remote)
		t.Setenv(EnvLocal, tc.local)
		_, given, err := (&Harness{}).given()
		if given != tc.given || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%q, %q: %v, %v", tc.remote, tc.local, given, err)
		}
	}
}

func TestOneRunAtATime(t *testing.T) {
	h := &Harness{Cache: t.TempDir()}
	unlock, err := h.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Lock(); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a second run locks too: %v", err)
	}
	unlock()
	unlock, err = h.Lock()
	if err != nil {
		t.Errorf("lock after unlock: %v", err)
	} else {
		unlock()
	}
}

func TestCheckoutIsFound(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	h, err := New(t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(h.Project, "e2e", "harness", "harness.go")); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	if _, err := New(t.Logf); err == nil {
		t.Error("New accepts a folder that is not a checkout")
	}
}

func TestChainNeedsPrograms(t *testing.T) {
	t.Setenv("INTERLINK_BIN_DIR", "")
	if err := (&Harness{}).Chain(t.Context(), "unix:///x"); err == nil || !strings.Contains(err.Error(), "INTERLINK_BIN_DIR") {
		t.Errorf("%v", err)
	}
}
