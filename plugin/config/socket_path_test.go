package config

import (
	"strings"
	"testing"
)

func TestCheckSocketPath(t *testing.T) {
	// of returns an absolute path of a number of bytes.
	of := func(length int) string { return "/" + strings.Repeat("x", length-1) }
	for _, test := range []struct {
		name, path string
		err        string // "" if the path is permitted
	}{
		{"longest path", of(107), ""},
		{"path that is one byte too long", of(108), "is 1 bytes too long"},
		{"longest folder", of(94) + "/s", ""},
		{"folder that is one byte too long", of(95) + "/s", "is 1 bytes too long"},
		{"path that is short after it is cleaned", "/x" + strings.Repeat("/", 200) + "s", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, err := range []error{CheckSocketPath(test.path), socketAddress("unix://" + test.path)} {
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("got error %v, want %q", err, test.err)
				}
			}
		})
	}
}
