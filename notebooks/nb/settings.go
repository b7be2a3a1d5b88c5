// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"introspection/datasets"
	"introspection/idml"
	"introspection/plots"
)

// Settings shows what the named settings, by their paths in config.json, are in some configurations, a column each.
func Settings(configs []idml.Config, heads, keys []string) {
	Table(settingsTable(configs, heads, keys))
}

// Differences lists the settings in which the configurations are not all the same, by their paths in config.json, sorted.
func Differences(configs ...idml.Config) []string {
	var all []map[string]string
	for _, c := range configs {
		all = append(all, settings(c))
	}
	return differences(all...)
}

// Changes shows the settings in which some configurations differ from the recipes that they began with, a column for each recipe and
// each configuration.
func Changes(configs []idml.Config) error {
	var all []idml.Config
	var heads []string
	changed := map[string]bool{}
	for _, c := range configs {
		recipe, err := idml.Recipe(c.Recipe)
		if err != nil {
			return err
		}
		all, heads = append(all, recipe, c), append(heads, c.Recipe, c.Recipe+" here")
		for _, key := range Differences(recipe, c) {
			changed[key] = true
		}
	}
	Settings(all, heads, slices.Sorted(maps.Keys(changed)))
	return nil
}

func settingsTable(configs []idml.Config, heads, keys []string) ([]string, [][]string) {
	flat := make([]map[string]string, len(configs))
	for i, c := range configs {
		flat[i] = settings(c)
	}
	var rows [][]string
	for _, key := range keys {
		row := []string{key}
		for _, f := range flat {
			value, ok := f[key]
			if !ok {
				panic(fmt.Sprintf("nb: no setting is called %q", key))
			}
			row = append(row, value)
		}
		rows = append(rows, row)
	}
	return append([]string{""}, heads...), rows
}

// settings returns all settings by their paths in config.json, as JSON writes them, but texts without quotes.
func settings(c idml.Config) map[string]string {
	data, err := json.Marshal(c)
	Check(err)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a seed has more digits than a float64
	var tree map[string]any
	Check(d.Decode(&tree))
	out := map[string]string{}
	flatten("", tree, out)
	return out
}

func flatten(prefix string, tree map[string]any, out map[string]string) {
	for name, value := range tree {
		switch v := value.(type) {
		case map[string]any:
			flatten(prefix+name+".", v, out)
		case string:
			out[prefix+name] = v
			if v == "" {
				out[prefix+name] = `""`
			}
		default:
			text, err := json.Marshal(v)
			Check(err)
			out[prefix+name] = string(text)
		}
	}
}

// differences is Differences of flat settings.
func differences(all ...map[string]string) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(all[0])) {
		if slices.ContainsFunc(all, func(other map[string]string) bool { return other[key] != all[0][key] }) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Published shows the paper's results of some recipes, a column each, as fractions.
func Published(configs []idml.Config, heads []string) {
	Table(publishedTable(configs, heads))
}

func publishedTable(configs []idml.Config, heads []string) ([]string, [][]string) {
	var rows [][]string
	for _, metric := range []string{"recall@1", "recall@2", "recall@4", "recall@10", "r_precision", "map@r", "nmi", "top@1", "top@5"} {
		row, known := []string{plots.MetricTitle(metric)}, false
		for _, c := range configs {
			v, ok := c.Published()[metric]
			known = known || ok
			if ok {
				row = append(row, fraction(v))
			} else {
				row = append(row, "–")
			}
		}
		if known {
			rows = append(rows, row)
		}
	}
	return append([]string{""}, heads...), rows
}

// Metrics lists what a run of the configuration is measured by, in the order of a table.
func Metrics(c idml.Config) []string {
	if c.Task == idml.Classification {
		return []string{"top@1", "top@5", "loss", "ece"}
	}
	var out []string
	for _, k := range c.Recalls {
		out = append(out, fmt.Sprintf("recall@%d", k))
	}
	return append(out, "r_precision", "map@r", "nmi")
}

// HeldOut shows, for each dataset, how many classes training keeps and how many are held out if share of the training classes is, with this
// seed, and checks that no class is on two sides.
func HeldOut(p Photographs, share float64, seed uint64) error {
	heads := []string{"", "classes to train", "held out", "classes to retrieve"}
	var rows [][]string
	for _, name := range p.Names {
		split, err := p.Split(name)
		if err != nil {
			return err
		}
		kept, held, err := datasets.HoldOutClasses(split.Train, share, seed)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, class := range slices.Concat(kept.Classes, held.Classes, split.Test.Classes) {
			if seen[class] {
				return fmt.Errorf("nb: class %s of %s is on two sides", class, Title(name))
			}
			seen[class] = true
		}
		rows = append(rows, []string{Title(name), thousands(len(kept.Classes)), thousands(len(held.Classes)), thousands(len(split.Test.Classes))})
	}
	Table(heads, rows)
	return nil
}
