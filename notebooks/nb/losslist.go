// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"fmt"
	"strings"

	"introspection/idml"
)

// LossList shows all losses of retrieval: what each compares, its settings, the forms of the metric that exist for it, and its paper.
func LossList() { Table(lossList()) }

func lossList() (heads []string, rows [][]string) {
	for _, info := range idml.Losses() {
		compares := "images with images"
		if info.Proxies {
			compares = "images with proxies"
		}
		var settings, forms []string
		for _, s := range info.Settings {
			settings = append(settings, fmt.Sprintf("%s %v", s.Name, s.Value))
		}
		for _, f := range info.Forms {
			forms = append(forms, string(f))
		}
		rows = append(rows, []string{info.Name, compares, strings.Join(settings, ", "), strings.Join(forms, ", "), info.Paper})
	}
	return []string{"", "compares", "settings", "forms of the metric", "paper"}, rows
}

// PublishedLosses shows R@1 of each loss in the paper's table, plain → introspective, for the recipes that are named, and says where it stands.
func PublishedLosses(recipes ...string) error {
	heads, rows, err := publishedLosses(recipes)
	if err != nil {
		return err
	}
	Table(heads, rows)
	return nil
}

func publishedLosses(recipes []string) (heads []string, rows [][]string, err error) {
	heads = []string{""}
	for _, name := range recipes {
		heads = append(heads, "R@1 of "+Title(name))
	}
	for _, info := range idml.Losses() {
		row := []string{info.Name}
		for _, name := range recipes {
			cfg, err := idml.Recipe(name)
			if err != nil {
				return nil, nil, err
			}
			if err := cfg.UseLoss(info.Name); err != nil {
				return nil, nil, err
			}
			var text []string
			for _, form := range []idml.Form{idml.Plain, publishedForm(info)} {
				cfg.Metric.Form = form
				v, ok := cfg.Published()["recall@1"]
				if !ok {
					return nil, nil, fmt.Errorf("nb: of %s on %s nothing is published", info.Name, name)
				}
				text = append(text, fraction(v))
			}
			row = append(row, strings.Join(text, " → "))
		}
		rows = append(rows, row)
	}
	return heads, rows, nil
}

// publishedForm is the introspective form that idml.Config.Published takes the paper's rows of a loss for.
func publishedForm(info idml.LossInfo) idml.Form {
	if info.Proxies {
		return idml.Released
	}
	return idml.Paper
}
