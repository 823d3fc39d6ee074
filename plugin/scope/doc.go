// Package scope decides which remote namespace, name, labels and annotations the copy
// of a local object gets. It is the only package that creates remote names.
//
// It is pure: the same input gives the same output in every replica and after every
// restart, so that a repeated create finds the objects of an earlier one. It must not
// know any client, nor InterLink's requests.
package scope
