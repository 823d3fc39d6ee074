//go:build !race

package accounting_test

// race says that the race detector watches the tests.
const race = false
