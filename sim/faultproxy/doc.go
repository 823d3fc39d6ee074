// Package faultproxy is a proxy between a program and a Kubernetes API server. It fails
// chosen requests on purpose: with an error of the API server, with the page of another
// server, by a reset of the connection, in the middle of an answer, or with no answer.
//
// The proxy serves HTTPS, over HTTP/2 or only HTTP/1.1, with a certificate authority and
// a token of its own. It authenticates to the API server with the credentials of its
// creator.
//
// It must not know which program sends the requests.
package faultproxy
