// Package console writes what commands print: tables for people, JSON and YAML for programs.
//
// Texts from a cluster can be written by anybody. [Clean] replaces what a terminal would act on,
// and [Table] shows each text on one line. Colors are for terminals only, and not with NO_COLOR
// (https://no-color.org).
//
// The package is pure apart from the writers that it is given. It must not know what it prints,
// Kubernetes, or the configuration.
package console
