// Package report holds the result of a replay as plain data, and shows it as a table,
// as JSON, and as one HTML page that loads nothing else.
//
// It must not know how a scenario is played or judged.
package report
