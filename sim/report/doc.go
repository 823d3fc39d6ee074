// Package report is what a replay found: plain data, and how it is shown, as a
// table, as JSON and as one HTML page that needs nothing else.
//
// It must know nothing of how a scenario is played or judged.
package report
