package plugin

import (
	"fmt"
	"os"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/placement"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// ReadTranslateOptions is [TranslateOptions] with all that is in files: the mesh scripts and
// the rules of the site.
func ReadTranslateOptions(cfg config.Config) (options translate.Options, err error) {
	options = TranslateOptions(cfg)
	if options.MeshTexts, err = MeshTexts(cfg.Mesh); err != nil {
		return options, err
	}
	if options.ClaimRules, err = rulesOf("claims", cfg.Offloading.Claims, claimrules.Parse); err != nil {
		return options, err
	}
	options.PlacementRules, err = rulesOf("placement", cfg.Offloading.Placement, placement.Parse)
	return options, err
}

// rulesOf reads the rules of an option of [offloading], which holds them in JSON or the path
// of a file with them. Without rules it returns the zero value.
func rulesOf[T any](key, value string, parse func([]byte) (T, error)) (rules T, err error) {
	value = strings.TrimSpace(value)
	text, where := []byte(value), "[offloading] "+key
	switch {
	case value == "":
		return rules, nil
	case !strings.HasPrefix(value, "[") && !strings.HasPrefix(value, "{"):
		if text, err = os.ReadFile(value); err != nil {
			return rules, fmt.Errorf("%s: %w", where, err)
		}
		where += " " + value
	}
	if rules, err = parse(text); err != nil {
		return rules, fmt.Errorf("%s: %w", where, err)
	}
	return rules, nil
}

// rulesNotice says how many rules the site has.
func rulesNotice(o translate.Options) string {
	return fmt.Sprintf("rules: %d for claims, %d for the placement of pods", len(o.ClaimRules), len(o.PlacementRules.Rules))
}
