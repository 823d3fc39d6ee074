package errdefs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func TestList(t *testing.T) {
	if err := errdefs.List(errdefs.Refused, nil); err != nil {
		t.Errorf("a list without a reason is the error %v", err)
	}
	err := fmt.Errorf("create pod: %w", errdefs.List(errdefs.Invalid, []string{"a is missing", "b is malformed"}))
	if got := err.Error(); got != "create pod: a is missing; b is malformed" || !errdefs.Is(err, errdefs.Invalid) {
		t.Errorf("got %q (%s)", got, errdefs.KindOf(err))
	}
	if got := errdefs.Reasons(err); !slices.Equal(got, []string{"a is missing", "b is malformed"}) {
		t.Errorf("the reasons are %q", got)
	}
	if got := errdefs.Reasons(errors.New("boom")); !slices.Equal(got, []string{"boom"}) {
		t.Errorf("the reasons of an error that is no list are %q", got)
	}
}

func TestListIsBounded(t *testing.T) {
	var many []string
	for i := range 25 {
		many = append(many, fmt.Sprintf("reason %d", i))
	}
	ten := errdefs.List(errdefs.Refused, many[:10])
	if got := errdefs.Reasons(ten); !slices.Equal(got, many[:10]) {
		t.Errorf("ten reasons became %q", got)
	}
	err := errdefs.Join(errdefs.List(errdefs.Refused, many[:20]), errdefs.List(errdefs.Refused, many[15:]))
	want := append(slices.Clone(many[:10]), "and 15 more")
	if got := errdefs.Reasons(err); !slices.Equal(got, want) {
		t.Errorf("the reasons are %q, want %q", got, want)
	}
	if got := err.Error(); got != strings.Join(want, "; ") {
		t.Errorf("the message is %q", got)
	}
}

// A request of many megabytes gives tens of thousands of reasons, and each counts once.
func TestJoinManyReasons(t *testing.T) {
	var many []string
	for i := range 50_000 {
		many = append(many, fmt.Sprintf("volume %d is not permitted", i))
	}
	err := errdefs.Join(errdefs.List(errdefs.Invalid, many), errdefs.List(errdefs.Refused, many))
	want := append(slices.Clone(many[:10]), "and 49990 more")
	if got := errdefs.Reasons(err); !slices.Equal(got, want) || !errdefs.Is(err, errdefs.Refused) {
		t.Errorf("the reasons are %q (%s), want %q", got, errdefs.KindOf(err), want)
	}
}

func TestFirst(t *testing.T) {
	many := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	if got := errdefs.First(many[:10]); !slices.Equal(got, many[:10]) {
		t.Errorf("ten became %q", got)
	}
	if got, want := errdefs.First(many), append(slices.Clone(many[:10]), "and 2 more"); !slices.Equal(got, want) || many[10] != "k" {
		t.Errorf("got %q, want %q; the list is %q", got, want, many)
	}
}

func TestJoin(t *testing.T) {
	invalid, refused := errdefs.New(errdefs.Invalid, "a is missing"), errdefs.New(errdefs.Refused, "b is not permitted")
	for _, test := range []struct {
		name    string
		errs    []error
		kind    errdefs.Kind
		message string
	}{
		{"none", []error{nil, nil}, "", ""},
		{"one", []error{nil, invalid}, errdefs.Invalid, "a is missing"},
		{"a refusal after another kind", []error{invalid, refused}, errdefs.Refused, "a is missing; b is not permitted"},
		{"a refusal before another kind", []error{refused, invalid}, errdefs.Refused, "b is not permitted; a is missing"},
		{"the same twice", []error{refused, refused}, errdefs.Refused, "b is not permitted"},
		{"without a refusal", []error{invalid, errdefs.New(errdefs.NotFound, "c")}, errdefs.Invalid, "a is missing; c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := errdefs.Join(test.errs...)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != test.message || errdefs.KindOf(err) != test.kind {
				t.Errorf("got %q (%s), want %q (%s)", message, errdefs.KindOf(err), test.message, test.kind)
			}
		})
	}
}
