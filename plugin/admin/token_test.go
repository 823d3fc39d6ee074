package admin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenFiles(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) string {
		file := filepath.Join(folder, "token")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for text, want := range map[string]string{
		"0123456789abcdef": "", "0123456789abcdef\n": "", "": "is empty", " \n": "is empty", "0123456789abcde": "15 characters",
		"0123456789 abcdef": "a space", "0123456789abcdéf": "a space or another character", strings.Repeat("x", maxToken+1): "more than 4096 bytes",
		"first-line-of-token\nsecond": "a space",
	} {
		warning, err := CheckTokenFile(write(text))
		if warning != "" || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a file with %.20q: %q, %v", text, warning, err)
		}
		if err != nil && text != "" && strings.TrimSpace(text) != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
	if _, err := CheckTokenFile(filepath.Join(folder, "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a file that does not exist: %v", err)
	}
	if _, err := CheckTokenFile(folder); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	file := write("0123456789abcdef")
	if err := os.Chmod(file, 0o644); err != nil { //nolint:gosec // that is the test
		t.Fatal(err)
	}
	if warning, err := CheckTokenFile(file); err != nil || !strings.Contains(warning, "0644") {
		t.Errorf("a file that every user can read: %q, %v", warning, err)
	}
}
