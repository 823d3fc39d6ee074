package tunnel

import (
	"encoding/base64"
	"io"
	"log/slog"
	"strings"
)

// secret is a private key: all pieces of it, so that it is found however it was
// quoted, wrapped or cut.
type secret map[string]struct{}

// piece is the length of a piece: what is shorter tells nothing of a key, and would
// be found in other words.
const piece = 16

func newSecret(pem string) secret {
	s := secret{}
	unix := strings.ReplaceAll(strings.TrimSpace(pem), "\r", "") + "\n"
	windows := strings.ReplaceAll(unix, "\n", "\r\n")
	for _, text := range []string{pem, unix, windows} {
		s.add(text)
		s.add(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	s.add(base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(unix))))
	for _, end := range []string{"", " ", `\n`, `\r\n`} { // on one line, or as a string of Go or JSON
		s.add(strings.ReplaceAll(unix, "\n", end))
	}
	return s
}

func (s secret) add(form string) {
	for at := 0; at+piece <= len(form); at++ {
		s[form[at:at+piece]] = struct{}{}
	}
}

// hide replaces the key in a text, and each part of it.
func (s secret) hide(text string) string {
	var out strings.Builder
	for at := 0; at < len(text); {
		hidden := at // up to here
		for next := at; next <= hidden && next+piece <= len(text); next++ {
			if _, is := s[text[next:next+piece]]; is {
				hidden = next + piece
			}
		}
		if hidden > at {
			// A space at its ends may be the text's own.
			key := strings.TrimSpace(text[at:hidden])
			before, after, _ := strings.Cut(text[at:hidden], key)
			out.WriteString(before + "[private key]" + after)
			at = hidden
			continue
		}
		out.WriteByte(text[at])
		at++
	}
	return out.String()
}

// Printed is where what Helm prints by Go's standard logger belongs: a logger of its
// own it takes for the rest only. The private key stays out of it.
func Printed(log *slog.Logger, privateKey string) io.Writer {
	return printed{log, newSecret(privateKey)}
}

type printed struct {
	log    *slog.Logger
	secret secret
}

func (p printed) Write(line []byte) (int, error) {
	p.log.Warn("helm", "says", p.secret.hide(strings.TrimSpace(string(line))))
	return len(line), nil
}
