package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// withoutScenario are the texts for the user that no scenario has, and why.
var withoutScenario = map[string]string{
	"annotation %s is left out: the annotations of the remote pod would be larger than 256 KiB": "the scenario would be that large",
	"token %s of volume %s is left out: the site takes no tokens of service accounts":           "tokens-dropped has it, and its words are those of another text",
	"annotation %s: %s": "the words are those of plugin/mesh",
	"annotation %s: %v": "the words are those of plugin/claimrules",
	"the selector of claim %s is left out: it is about volumes of the local cluster":                                    "InterLink sends no claims",
	"the empty storage class of claim %s is left out: it would take any volume of the remote cluster that has no class": "InterLink sends no claims",
	"the scheduling group is left out: it is about the local cluster's pods":                                            "InterLink loses the field (CREATE-20)",
	"remote namespace ": "the beginning of two sentences",
}

// reporters are the functions of plugin/translate whose first argument is a text for the user, errdefs.New that of
// other packages, whose second one is.
var reporters = map[string]int{"warn": 0, "refuse": 0, "addProblem": 0, "dropUnsupported": 0, "New": 1}

// Every refusal and every warning about a pod has a scenario in fixtures/scenarios, which expects words that no other of
// these texts has. The details of a refused mesh script or tunnel command are in the tables of plugin/mesh.
func TestEachRefusalAndWarningHasAScenario(t *testing.T) {
	var scenarios strings.Builder
	for _, path := range files(t, ".yaml") {
		if strings.HasPrefix(path, "fixtures/scenarios/") {
			scenarios.WriteString(text(t, path))
		}
	}
	all := strings.ReplaceAll(scenarios.String(), `\"`, `"`) // answers are JSON
	texts := map[string]string{}                             // where each is
	for _, path := range files(t, ".go") {
		inTranslate, inPolicy := strings.HasPrefix(path, "plugin/translate/"), strings.HasPrefix(path, "plugin/policy/")
		inLifecycle := path == "plugin/lifecycle/claims.go" || path == "plugin/lifecycle/namespace.go"
		if strings.HasSuffix(path, "_test.go") || !inTranslate && !inPolicy && !inLifecycle {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), path, text(t, path), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range textsForUsers(source, inPolicy) {
			texts[message] = path
		}
	}
	uses := map[string]int{} // of words, by how many texts have them
	for message := range texts {
		for _, words := range phrases(message) {
			uses[words]++
		}
	}
	for message, path := range texts {
		isExpected := slices.ContainsFunc(phrases(message), func(words string) bool { return uses[words] == 1 && strings.Contains(all, words) })
		if withoutScenario[message] == "" && !isExpected {
			t.Errorf("%s: no scenario expects %q", path, message)
		}
	}
	if len(texts) < 50 {
		t.Errorf("only %d texts are found", len(texts))
	}
}

// textsForUsers returns the texts for users in a source file. Those of a policy are not arguments of one function: they
// are the literals that name a field or say what it must be, and those of sentences.
func textsForUsers(source *ast.File, policy bool) []string {
	var found []string
	ast.Inspect(source, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			function, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if at, reports := reporters[function.Sel.Name]; reports && at < len(n.Args) && !policy && (at == 0 || isFinal(n.Args[0])) {
				if message, ok := literal(n.Args[at]); ok && len(phrases(message)) > 0 {
					found = append(found, message)
				}
			}
		case *ast.BasicLit:
			message, ok := literal(n)
			isText := strings.HasPrefix(message, "must ") || strings.HasPrefix(message, "securityContext.") || strings.Contains(strings.Trim(message, " "), " ")
			if policy && ok && isText && !slices.Contains(found, message) {
				found = append(found, message)
			}
		}
		return true
	})
	return found
}

// isFinal reports whether an error of this kind (of plugin/errdefs) is the end of a pod.
func isFinal(kind ast.Expr) bool {
	selector, ok := kind.(*ast.SelectorExpr)
	return ok && (selector.Sel.Name == "Refused" || selector.Sel.Name == "Invalid")
}

// literal returns the value of a string literal.
func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(basic.Value)
	return value, err == nil
}

var formatVerb = regexp.MustCompile(`%[a-z]`)

// phrases returns the words of a text, up to four in a row, that have no value between them.
func phrases(message string) []string {
	var found []string
	for _, part := range formatVerb.Split(message, -1) {
		words := strings.Fields(strings.Trim(part, " ,.:;()"))
		n := min(4, len(words))
		for i := range len(words) - n + 1 {
			if phrase := strings.Join(words[i:i+n], " "); len(phrase) >= 8 && !slices.Contains(found, phrase) {
				found = append(found, phrase)
			}
		}
	}
	return found
}
