package plugin

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/placement"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// ReadTranslateOptions is [TranslateOptions] with all that is in files: the mesh scripts and
// the rules of the site. The error names all files that cannot be used.
func ReadTranslateOptions(cfg config.Config) (options translate.Options, err error) {
	options = TranslateOptions(cfg)
	var failures [3]error
	options.MeshTexts, failures[0] = MeshTexts(cfg.Mesh)
	options.ClaimRules, failures[1] = rulesOf("claims", cfg.Offloading.Claims, claimrules.Parse)
	options.PlacementRules, failures[2] = rulesOf("placement", cfg.Offloading.Placement, placement.Parse)
	return options, errors.Join(failures[:]...)
}

// rulesOf reads the rules of an option of [offloading], which holds them in JSON or the path
// of a file with them. Without rules it returns the zero value.
func rulesOf[T any](key, value string, parse func([]byte) (T, error)) (rules T, err error) {
	text, where, path := []byte(strings.TrimSpace(value)), "[offloading] "+key, rulesPath(value)
	switch {
	case len(text) == 0:
		return rules, nil
	case path != "":
		if text, err = os.ReadFile(path); err != nil {
			return rules, fmt.Errorf("%s: %w", where, err)
		}
		where += " " + path
	}
	rules, err = parse(text)
	return rules, eachIn(where, err)
}

// eachIn says of each of the joined errors in err where it is: each is a line of its own.
func eachIn(where string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return fmt.Errorf("%s: %w", where, err)
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, fmt.Errorf("%s: %w", where, one))
	}
	return errors.Join(all...)
}

// rulesNotice says how many rules the site has.
func rulesNotice(o translate.Options) string {
	return fmt.Sprintf("rules: %d for claims, %d for the placement of pods", len(o.ClaimRules), len(o.PlacementRules.Rules))
}
