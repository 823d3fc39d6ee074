package podspec

import "regexp"

// reference matches $$, the escaped form of one $, and $(NAME).
var reference = regexp.MustCompile(`\$\$|\$\([^)]*\)`)

// Expand replaces each $(NAME) whose variable has a value, and $$ by $. All else
// stays as it is:
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
func Expand(text string, values map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(match string) string {
		if match == "$$" {
			return "$"
		}
		if value, ok := values[variable(match)]; ok {
			return value
		}
		return match
	})
}

// MissingVariable returns the first variable in text that is not set or empty, or
// "". A kubelet refuses a subPathExpr with such a variable.
func MissingVariable(text string, values map[string]string) string {
	for _, match := range reference.FindAllString(text, -1) {
		if match != "$$" && values[variable(match)] == "" {
			return variable(match)
		}
	}
	return ""
}

// variable returns NAME of $(NAME).
func variable(match string) string { return match[len("$(") : len(match)-len(")")] }
