// Package config declares every option of the plugin once, in one table, and
// reads the options from flags, environment, INI file and defaults, in that
// order of precedence.
//
// From the table come the key in the file ([app] socket_address), the name in
// the environment (APP_SOCKET_ADDRESS), the flag (--app-socket-address), the
// default, the check, the help, the sample file and the reference in the
// README. [Parse] returns what the command line asks for, with a [Config] that
// has been checked as a whole: all that is wrong is reported together.
//
// A value that is there but empty is a value for options of kind text, where it
// usually switches something off, and counts as absent for all other kinds.
//
// The files of the Python plugin are read as Python reads them: comments only
// on lines of their own, continuation by indentation, %(name)s interpolation,
// a [DEFAULT] section, keys in any case.
//
// The package opens the configuration file and nothing else. It knows no
// Kubernetes client, no HTTP and no logger, and what it reports (errors,
// warnings, the printed configuration) never shows a secret.
package config
