// Package config declares every option of the plugin in one table, and reads the
// options from flags, environment variables, an INI file and the defaults, in
// that order of priority.
//
// One row of the table gives the key in the file ([app] socket_address), the
// environment variable (APP_SOCKET_ADDRESS), the flag (--app-socket-address), the
// default, the check, the help, the sample file and the reference in
// docs/configuration.md. [Parse] returns what the command line asks for, with a
// [Config] that is checked as a whole: it reports all mistakes together.
//
// The sections of [Config] are the option structs of the packages that use them:
// mesh.Options is [Mesh], package cluster connects with [K8s], and the options of
// translate, tunnel and server embed [Offloading], [TCPTunnel] and [App]. They are
// declared here, below those packages, because the table must name their fields, and
// because a row and a field are then all that an option needs: no package copies a
// value, and no package has a default of its own. What a package needs in addition, such
// as its log, is next to the section in the package's own struct.
//
// For an option of kind text, an empty value is a value and usually disables
// something. For all other kinds, an empty value means that the option is not set.
//
// The package reads configuration files of the Python plugin as Python's
// configparser does: comments only on lines of their own, continuation lines by
// indentation, %(name)s interpolation, a [DEFAULT] section, and keys in any case.
//
// The package opens the configuration file and no other file. It must not know
// Kubernetes clients, HTTP or a logger. Its errors, its warnings and the printed
// configuration never show a secret.
package config
