// Package claimrules decides, by the rules of the site, which claim of the remote cluster a
// persistent volume claim of a local pod becomes, how such a claim is created, and how it
// may be mounted.
//
// It is pure, and does not know what else is in a pod: plugin/translate does. It must not
// know any client.
package claimrules
