// Package placement decides, by the rules of the site, where in the remote cluster a pod may
// run and as what: its node selector, tolerations, affinity, scheduler, runtime and priority
// class, service account and image pull secrets.
//
// It is pure. It must not know what else becomes of a pod (plugin/translate), nor any client.
package placement
