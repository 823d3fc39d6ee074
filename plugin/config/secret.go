package config

import (
	"fmt"
	"io"
	"log/slog"
)

// masked is shown instead of a secret.
const masked = "********"

// Secret is a text that is never shown by accident: printing, logging and
// marshaling show a mask. Only [Secret.Reveal] returns the text.
type Secret string

// Reveal returns the text of the secret.
func (s Secret) Reveal() string { return string(s) }

// String returns a mask, or an empty string for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format writes the mask for every verb: with String alone, the error text that fmt
// writes for %d would contain the secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns the mask, for JSON, YAML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns the mask, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
