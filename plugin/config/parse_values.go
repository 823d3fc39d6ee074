package config

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Each function of this file parses one kind of value. An empty value reaches the
// parsers of other kinds than text and secret only as the default of an option
// without a default; it gives the zero value.

func text(s string) (string, error) { return s, nil }

func secret(s string) (Secret, error) { return Secret(s), nil }

// boolean accepts every spelling that Python's configparser accepts.
func boolean(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q must be true or false", s)
}

func number(low, high int) func(string) (int, error) {
	return func(s string) (int, error) {
		if s == "" {
			return 0, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("%q must be a whole number from %d to %d", s, low, high)
		}
		return n, nil
	}
}

func rate(s string) (float32, error) {
	r, err := strconv.ParseFloat(s, 32)
	if err != nil || !(r >= 0) || math.IsInf(r, 0) {
		return 0, fmt.Errorf("%q must be a number of 0 or more", s)
	}
	return float32(r), nil
}

// duration accepts durations of Go, and numbers without a unit as seconds.
func duration(s string) (time.Duration, error) {
	unit := ""
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		unit = "s"
	}
	d, err := time.ParseDuration(s + unit)
	if err != nil {
		return 0, fmt.Errorf(`%q must be a duration, for example "100s" or "1m30s", or a number of seconds`, s)
	}
	return d, nil
}

// size accepts a number of bytes, or a number with a binary unit: 64MiB, or 64Mi as
// in Kubernetes.
func size(s string) (int64, error) {
	digits, unit := s, int64(1)
	for i, suffix := range []string{"Ki", "Mi", "Gi"} {
		if rest, ok := strings.CutSuffix(strings.TrimSuffix(s, "B"), suffix); ok {
			digits, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf(`%q must be a number of bytes above 0, or a size such as "64MiB"`, s)
	}
	return n * unit, nil
}

func mode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q must be octal permissions of at most 0777, for example 0660", s)
	}
	return fs.FileMode(n), nil
}

// level accepts the names of Python and of log/slog.
func level(s string) (slog.Level, error) {
	switch strings.ToUpper(s) {
	case "NOTSET":
		return slog.LevelDebug, nil
	case "WARNING":
		return slog.LevelWarn, nil
	case "CRITICAL", "FATAL":
		return slog.LevelError + 4, nil
	}
	var l slog.Level
	if l.UnmarshalText([]byte(s)) != nil {
		return 0, fmt.Errorf("%q must be DEBUG, INFO, WARNING, ERROR or CRITICAL", s)
	}
	return l, nil
}

func oneOf[T ~string](allowed ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		words := make([]string, len(allowed))
		for i, one := range allowed {
			if strings.EqualFold(s, string(one)) {
				return one, nil
			}
			words[i] = string(one)
		}
		return "", fmt.Errorf("%q must be %s", s, strings.Join(words, " or "))
	}
}

// list accepts a JSON list of texts, or texts separated by commas.
func list(s string) ([]string, error) {
	var items []string
	if strings.HasPrefix(s, "[") || s == "null" {
		if err := decode(s, &items); err != nil {
			return nil, fmt.Errorf(`must be a list such as ["one","two"] or one,two: %w`, err)
		}
	} else {
		items = strings.Split(s, ",")
	}
	var kept []string
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

func stringMap(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	var m map[string]string
	if err := decode(s, &m); err != nil {
		return nil, fmt.Errorf(`must be a JSON object of texts such as {"key":"value"}: %w`, err)
	}
	return m, nil
}

// tolerations accepts the JSON of Kubernetes, and the Python client's spelling of
// tolerationSeconds.
func tolerations(s string) ([]corev1.Toleration, error) {
	if s == "" {
		return nil, nil
	}
	var rows []struct {
		corev1.Toleration
		Snake *int64 `json:"toleration_seconds"`
	}
	if err := decode(s, &rows); err != nil {
		return nil, fmt.Errorf(`must be a JSON list such as [{"key":"gpu","operator":"Exists","effect":"NoSchedule"}]: %w`, err)
	}
	var all []corev1.Toleration
	for i, row := range rows {
		t := row.Toleration
		if row.Snake != nil {
			t.TolerationSeconds = row.Snake
		}
		if err := checkToleration(t); err != nil {
			return nil, fmt.Errorf("toleration %d: %w", i+1, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// resources accepts the resources of a container as in Kubernetes, without claims.
func resources(s string) (corev1.ResourceRequirements, error) {
	var r struct {
		Limits   corev1.ResourceList `json:"limits"`
		Requests corev1.ResourceList `json:"requests"`
	}
	if s == "" {
		return corev1.ResourceRequirements{}, nil
	}
	if err := decode(s, &r); err != nil {
		return corev1.ResourceRequirements{}, fmt.Errorf(`must be a JSON object such as {"requests":{"cpu":"50m","memory":"64Mi"}}: %w`, err)
	}
	for _, list := range []corev1.ResourceList{r.Limits, r.Requests} {
		for name, quantity := range list {
			if quantity.Sign() < 0 {
				return corev1.ResourceRequirements{}, fmt.Errorf("%s must not be negative", name)
			}
		}
	}
	for name, request := range r.Requests {
		if limit, limited := r.Limits[name]; limited && request.Cmp(limit) > 0 {
			return corev1.ResourceRequirements{}, fmt.Errorf("the request for %s is larger than its limit", name)
		}
	}
	return corev1.ResourceRequirements{Limits: r.Limits, Requests: r.Requests}, nil
}

// decode decodes exactly one JSON value and rejects fields that into does not have.
// Its errors name fields and types, but no values.
func decode(s string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := wrong.Field
		if field == "" {
			field = "a value in it"
		}
		if wrong.Type == reflect.TypeOf(into).Elem() {
			field = "it"
		}
		return fmt.Errorf("%s is not %s", field, jsonType(wrong.Type.Kind()))
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the JSON is incomplete")
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("there is more text after the JSON value")
	}
	return nil
}

// privateKey accepts a key in PEM or its base64: the Python plugin copied the value
// into the data of a Secret. It accepts any other text too: crossValidate rejects
// such a text, but only if tunnels are enabled.
func privateKey(s string) (Secret, error) {
	if s == "" {
		return "", nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil && isPrivateKey(decoded) {
		s = string(decoded)
	}
	// OpenSSH rejects a key without a newline at the end.
	return Secret(strings.TrimSpace(s) + "\n"), nil
}

// isPrivateKey reports whether data is a private key in PEM, of any type.
func isPrivateKey(data []byte) bool {
	block, _ := pem.Decode(append(bytes.TrimSpace(data), '\n'))
	return block != nil && strings.HasSuffix(block.Type, "PRIVATE KEY")
}
