package play

// Unreachable is the error of a plugin that does not answer the first ping.
type Unreachable struct{ error }

// Unwrap returns the error of the ping.
func (u Unreachable) Unwrap() error { return u.error }
