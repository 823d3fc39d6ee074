// Package wire is InterLink's plugin API as Go types: what the InterLink API
// server sends, and what it expects back, field for field.
//
// It holds no behaviour and must know nothing of the remote cluster. The
// specification is the project's contract (sections 1 and 2); the field names
// are those of InterLink's JSON.
package wire
