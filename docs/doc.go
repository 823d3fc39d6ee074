// Package docs holds the tests of the project's documents: their links, the
// numbers of the contract's rules, their commands, and the error texts that they
// quote.
//
// It tests every Markdown file of the repository, and must know the code only as
// text and as built programs.
package docs
