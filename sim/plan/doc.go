// Package plan shows which remote objects the plugin would create for a pod, with
// every warning, as a manifest. It contacts nothing. The remote pod comes before the
// objects that it will own; its annotation interlink.io/owned names them, since the
// UID of an owner reference is not known before.
//
// sim/interlink computes the request that InterLink would send, and plugin/translate
// the remote objects.
package plan
