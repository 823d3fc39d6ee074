// Package docs embeds the rules of the contract with InterLink, so that the simulator can
// show them, and holds the tests of the project's documents: their links, the numbers of
// the contract's rules, their commands, and the error texts that they quote.
//
// The tests look at every Markdown file of the repository. The package must know the code
// only as text and as built programs.
package docs
