package errdefs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxReasons is how many reasons an error names: a hostile request can give more.
const maxReasons = 10

// reasons is an error for several reasons.
type reasons []string

// Error returns the first reasons.
func (r reasons) Error() string { return strings.Join(r.first(), "; ") }

// first returns the first reasons, and how many there are besides.
func (r reasons) first() []string {
	if len(r) <= maxReasons {
		return r
	}
	return append(slices.Clone(r[:maxReasons]), fmt.Sprintf("and %d more", len(r)-maxReasons))
}

// First returns the first ten of a list that is part of one reason, and how many there are
// besides, so that one reason is not too long either.
func First(list []string) []string { return reasons(list).first() }

// List returns an error of the given kind for several reasons, each a sentence
// for the user. Its message names the first ten. Without a reason, there is no error.
func List(kind Kind, list []string) error {
	if len(list) == 0 {
		return nil
	}
	return Wrap(kind, reasons(list))
}

// Join returns an error with the reasons of all errors, each once. It is of the kind Refused if one
// of them is: the user then needs the permission of the site, whatever else must change.
// Otherwise, it is of the kind of the first one.
func Join(errs ...error) error {
	var all []string
	var kind Kind
	seen := map[string]bool{} // a request of many megabytes can give tens of thousands of reasons
	for _, err := range errs {
		if err == nil {
			continue
		}
		if kind == "" || Is(err, Refused) {
			kind = KindOf(err)
		}
		for _, reason := range allReasons(err) {
			if !seen[reason] {
				seen[reason] = true
				all = append(all, reason)
			}
		}
	}
	return List(kind, all)
}

// Reasons returns the first ten reasons of an error, and how many there are besides. An error
// that is no list has one: its message.
func Reasons(err error) []string { return allReasons(err).first() }

func allReasons(err error) reasons {
	if list, ok := errors.AsType[reasons](err); ok {
		return list
	}
	return reasons{err.Error()}
}
