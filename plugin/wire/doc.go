// Package wire declares InterLink's plugin API as Go types, field for field: what the
// InterLink API server sends, and what it expects in the answers. It also holds the
// names of all labels and annotations that the plugin reads or sets.
//
// It has no behavior, and must not know what the plugin does with the values. The
// specification is docs/contract.md; the names of the fields are those of InterLink's
// JSON.
package wire
