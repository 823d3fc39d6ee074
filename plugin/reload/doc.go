// Package reload decides when a running plugin reads its configuration again, and what of it then
// has an effect.
//
// [Watch] acts at a signal, and when the content of the files has changed and stayed the same for
// one interval: a file that is being written is not read in the middle. It compares contents, and
// needs no notification of the file system: the symbolic links of a mounted ConfigMap, a bind mount
// and a network file system all work alike. [State] knows with which configuration the plugin runs,
// and which one the file has: options that a running plugin takes over (config.Option.Reload), and
// those that wait for a restart.
//
// The package must not know what the options do, or where they come from.
package reload
