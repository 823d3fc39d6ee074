package virtualkubelet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"reflect"
	"regexp"
	"strings"
	"syscall"
)

// Cause returns why a call was not answered, in words for people who did not write the
// simulator: without the addresses of the two ends of a connection.
func Cause(err error) string {
	var timeout net.Error
	switch {
	case isReset(err):
		return "the connection was reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case closedIdle(err):
		return "the connection was closed while the request was sent"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete (EOF)"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer arrived in time: " + err.Error()
	}
	return err.Error()
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// closedIdle reports whether the other side closed an idle connection just when a request
// was sent on it. The error of net/http has no type.
func closedIdle(err error) bool {
	return err != nil && strings.Contains(err.Error(), "server closed idle connection")
}

// describeJSONError says what is wrong with an answer that is not what it must be.
func describeJSONError(answer []byte, err error, want string) string {
	var wrong *json.UnmarshalTypeError
	text := bytes.TrimSpace(answer)
	switch {
	case len(text) == 0:
		return "the answer is empty, not " + want
	case isPage(text):
		return "the answer is not " + want + ": " + plain(answer)
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Sprintf("the answer is %s, not %s: %s", jsonWord(wrong.Value), want, plain(answer))
	case errors.As(err, &wrong):
		return fmt.Sprintf("field %s of the answer is %s, not %s: %s", wrong.Field, jsonWord(wrong.Value), typeWord(wrong.Type), plain(answer))
	case errors.As(err, new(*json.SyntaxError)):
		return "the answer is not JSON: " + plain(answer)
	}
	return fmt.Sprintf("the answer is not %s (%v): %s", want, err, plain(answer))
}

// jsonWord is the word for a kind of JSON value, as encoding/json names it.
func jsonWord(kind string) string {
	switch first, _, _ := strings.Cut(kind, " "); first {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "string":
		return "a text"
	case "bool":
		return "true or false"
	default:
		return "a " + kind
	}
}

// typeWord is the word for the kind of JSON value that a type is read from.
func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	default:
		return "a whole number"
	}
}

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	pageTag   = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`)
	spaces    = regexp.MustCompile(`\s+`)
)

func isPage(text []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(text))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// plain returns the beginning of an answer, for error messages: of an HTML page the
// title, or else its first words.
func plain(answer []byte) string {
	if !isPage(answer) {
		return excerpt(bytes.TrimSpace(answer))
	}
	text := pageTag.ReplaceAllString(string(answer), " ")
	if title := pageTitle.FindStringSubmatch(string(answer)); title != nil {
		text = title[1]
	}
	text = strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(text), " "))
	return fmt.Sprintf("a page %q", excerpt([]byte(text)))
}

// message returns the beginning of an answer that is an error, for error messages: of JSON with
// a text for people, that text.
func message(answer []byte) string {
	if text := messageIn(answer); text != "" {
		return excerpt([]byte(text))
	}
	return plain(answer)
}

// messageIn returns the text for people in a JSON object, "" if there is none. The text of a
// Kubernetes client can have the JSON of the API server in it, whose message says more.
func messageIn(answer []byte) string {
	var fields map[string]any
	if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&fields); err != nil {
		return ""
	}
	for _, name := range []string{"detail", "message", "error"} {
		text, _ := fields[name].(string)
		if at := strings.Index(text, `{"`); at >= 0 {
			text = cmp.Or(messageIn([]byte(text[at:])), text)
		}
		if text != "" {
			return text
		}
	}
	return ""
}

// unanswered is the error of a call without an answer.
type unanswered struct {
	what string
	err  error
}

func (u *unanswered) Error() string { return u.what + ": " + Cause(u.err) }
func (u *unanswered) Unwrap() error { return u.err }
