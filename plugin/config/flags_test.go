package config

import "testing"

// A flag that needs no value is of pflag's type "bool": only then does the help show none.
func TestOnlyFlagsForTrueOrFalseNeedNoValue(t *testing.T) {
	flags := flagSet()
	for _, option := range table {
		flag := flags.Lookup(option.Flag())
		want := option.Kind == Bool
		if got := flag.Value.Type() == "bool"; got != want {
			t.Errorf("--%s is of type bool: %v", flag.Name, got)
		}
		if got := flag.NoOptDefVal != ""; got != want {
			t.Errorf("--%s needs no value: %v", flag.Name, got)
		}
	}
}
