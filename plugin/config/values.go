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

// The functions of this file read one kind of value each. Except for text and
// secrets an empty value never reaches them from outside; where the table has
// no default it gives the zero value.

func text(s string) (string, error) { return s, nil }

func secret(s string) (Secret, error) { return Secret(s), nil }

// boolean takes every spelling that Python's configparser takes.
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
	if err != nil || !(r > 0) || math.IsInf(r, 0) {
		return 0, fmt.Errorf("%q must be a number above 0", s)
	}
	return float32(r), nil
}

// duration takes Go's durations, and bare numbers as seconds.
func duration(s string) (time.Duration, error) {
	unit := ""
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		unit = "s"
	}
	d, err := time.ParseDuration(s + unit)
	if err != nil {
		return 0, fmt.Errorf(`%q must be a duration such as "100s" or "1m30s", or a number of seconds`, s)
	}
	return d, nil
}

// size takes bytes, or a number with a binary unit: 64MiB, or 64Mi as
// Kubernetes writes it.
func size(s string) (int64, error) {
	digits, unit := s, int64(1)
	for i, suffix := range []string{"Ki", "Mi", "Gi"} {
		if rest, ok := strings.CutSuffix(strings.TrimSuffix(s, "B"), suffix); ok {
			digits, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf(`%q must be a size above 0 in bytes, or such as "64MiB"`, s)
	}
	return n * unit, nil
}

func mode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q must be octal permissions, from 0000 to 0777, such as 0660", s)
	}
	return fs.FileMode(n), nil
}

// level takes Python's names and slog's.
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

// list takes a JSON list of texts, or texts with commas between them.
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

// tolerations takes Kubernetes' JSON; the Python client's spelling of
// tolerationSeconds counts too.
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

// resources takes what Kubernetes calls a container's resources, without claims.
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
				return corev1.ResourceRequirements{}, fmt.Errorf("%s must not be less than nothing", name)
			}
		}
	}
	for name, request := range r.Requests {
		if limit, limited := r.Limits[name]; limited && request.Cmp(limit) > 0 {
			return corev1.ResourceRequirements{}, fmt.Errorf("more %s is requested than the limit", name)
		}
	}
	return corev1.ResourceRequirements{Limits: r.Limits, Requests: r.Requests}, nil
}

// decode reads exactly one JSON value and refuses fields that into lacks. The
// errors name fields and types, not values.
func decode(s string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what := wrong.Field
		if what == "" {
			what = "a value in it"
		}
		if wrong.Type == reflect.TypeOf(into).Elem() {
			what = "it"
		}
		return fmt.Errorf("%s is not %s", what, jsonType(wrong.Type.Kind()))
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the JSON ends too early")
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// privateKey takes a key in PEM, or the base64 of one: the Python plugin put
// the value as it was into the data of a Secret. What is neither passes here and
// is judged only when tunnels are enabled.
func privateKey(s string) (Secret, error) {
	if s == "" {
		return "", nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil && isPrivateKey(decoded) {
		s = string(decoded)
	}
	// OpenSSH refuses a key whose last line does not end.
	return Secret(strings.TrimSpace(s) + "\n"), nil
}

// isPrivateKey says whether data is a private key in PEM, of whatever sort.
func isPrivateKey(data []byte) bool {
	block, _ := pem.Decode(append(bytes.TrimSpace(data), '\n'))
	return block != nil && strings.HasSuffix(block.Type, "PRIVATE KEY")
}
