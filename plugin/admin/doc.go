// Package admin is the page on [app] admin_address that shows an operator how the plugin is, what
// runs where and for whom, how much is left, and what is stuck and why. It only shows: no request changes
// anything but the sessions of its readers.
//
// A request takes this path: guard.go refuses a request of another site and sets the headers that
// protect the page; session.go finds out whether the reader is signed in; handler.go asks the [Source]
// and renders a template of the folder files. The table of pods is searched, filtered, sorted and
// paged here (query.go), so that a browser gets one page of it.
//
// The package must not know Kubernetes, the configuration, or where the facts come from. A Source must give
// it no secret, no script and no value of a variable: what the page gets, it shows.
package admin
