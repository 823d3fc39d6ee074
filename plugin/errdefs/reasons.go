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
type reasons struct {
	list []string
	// codes are the codes of the reasons, each once.
	codes []string
}

// Error returns the first reasons.
func (r *reasons) Error() string { return strings.Join(First(r.list), "; ") }

// First returns the first ten of a list that is part of one reason, and how many there are
// besides, so that one reason is not too long either.
func First(list []string) []string {
	if len(list) <= maxReasons {
		return list
	}
	return append(slices.Clone(list[:maxReasons]), fmt.Sprintf("and %d more", len(list)-maxReasons))
}

// List returns an error of the given kind for several reasons, each a sentence
// for the user. Its message names the first ten. Without a reason, there is no error. codes say in
// one word each what the reasons are about, for metrics: there is a small number of them.
func List(kind Kind, list []string, codes ...string) error {
	if len(list) == 0 {
		return nil
	}
	return Wrap(kind, &reasons{list, unique(codes)})
}

// Join returns an error with the reasons of all errors, each once. It is of the kind Refused if one
// of them is: the user then needs the permission of the site, whatever else must change.
// Otherwise, it is of the kind of the first one.
func Join(errs ...error) error {
	var all, codes []string
	var kind Kind
	seen := map[string]bool{} // a request of many megabytes can give tens of thousands of reasons
	for _, err := range errs {
		if err == nil {
			continue
		}
		if kind == "" || Is(err, Refused) {
			kind = KindOf(err)
		}
		codes = append(codes, Codes(err)...)
		for _, reason := range allReasons(err) {
			if !seen[reason] {
				seen[reason] = true
				all = append(all, reason)
			}
		}
	}
	return List(kind, all, codes...)
}

// Reasons returns the first ten reasons of an error, and how many there are besides. An error
// that is no list has one: its message.
func Reasons(err error) []string { return First(allReasons(err)) }

// Codes returns the codes of the reasons of an error, each once; none if it has none.
func Codes(err error) []string {
	if r, ok := errors.AsType[*reasons](err); ok {
		return r.codes
	}
	return nil
}

func unique(codes []string) []string {
	codes = slices.Clone(codes)
	slices.Sort(codes)
	return slices.Compact(codes)
}

func allReasons(err error) []string {
	if r, ok := errors.AsType[*reasons](err); ok {
		return r.list
	}
	return []string{err.Error()}
}
