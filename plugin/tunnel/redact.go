package tunnel

import (
	"encoding/base64"
	"io"
	"log/slog"
	"strings"
)

// secret recognizes parts of a private key in a text. It holds every substring of
// pieceLength characters of every form in which the key may be quoted: as PEM, in
// base64, on one line, or as a string of Go or JSON.
type secret map[string]struct{}

// pieceLength is long enough that a piece of the key does not appear in other text by
// chance. A shorter part reveals nothing useful of a key.
const pieceLength = 16

func newSecret(pem string) secret {
	s := secret{}
	unix := strings.ReplaceAll(strings.TrimSpace(pem), "\r", "") + "\n"
	windows := strings.ReplaceAll(unix, "\n", "\r\n")
	for _, text := range []string{pem, unix, windows} {
		s.add(text)
		s.add(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	s.add(base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(unix))))
	for _, lineEnd := range []string{"", " ", `\n`, `\r\n`} { // on one line, or as a string of Go or JSON
		s.add(strings.ReplaceAll(unix, "\n", lineEnd))
	}
	return s
}

// add adds all pieces of one form of the key.
func (s secret) add(form string) {
	for at := 0; at+pieceLength <= len(form); at++ {
		s[form[at:at+pieceLength]] = struct{}{}
	}
}

// redact replaces each part of the key in a text with "[private key]".
func (s secret) redact(text string) string {
	var out strings.Builder
	for at := 0; at < len(text); {
		end := at // of the part of the key that begins at at
		for next := at; next <= end && next+pieceLength <= len(text); next++ {
			if _, found := s[text[next:next+pieceLength]]; found {
				end = next + pieceLength
			}
		}
		if end > at {
			// White space at the ends may belong to the text around the key.
			key := strings.TrimSpace(text[at:end])
			before, after, _ := strings.Cut(text[at:end], key)
			out.WriteString(before + "[private key]" + after)
			at = end
			continue
		}
		out.WriteByte(text[at])
		at++
	}
	return out.String()
}

// NewRedactingWriter returns a writer for the output that Helm writes to Go's standard
// logger, for which Helm accepts no other logger. The writer sends it to log, without
// the private key.
func NewRedactingWriter(log *slog.Logger, privateKey string) io.Writer {
	return redactingWriter{log, newSecret(privateKey)}
}

type redactingWriter struct {
	log    *slog.Logger
	secret secret
}

func (w redactingWriter) Write(line []byte) (int, error) {
	w.log.Warn("helm", "message", w.secret.redact(strings.TrimSpace(string(line))))
	return len(line), nil
}
