// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// ParseConfig reads a configuration in JSON, as config.json holds it. Every setting must be there: one that is unknown, missing or
// doesn't fit, such as null or a list that is too short, is an error that names it. ParseConfig doesn't judge values: see Validate.
func ParseConfig(data []byte) (Config, error) {
	var cfg Config
	if err := json.Unmarshal(data, &cfg); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return cfg, fmt.Errorf("config: %s is a %s, want %s", wrong.Field, wrong.Value, wrong.Type)
		}
		return cfg, fmt.Errorf("config: %w", err)
	}
	whole, err := json.Marshal(cfg)
	if err != nil {
		return cfg, fmt.Errorf("config: %w", err)
	}
	var given, read map[string]any
	if err := errors.Join(json.Unmarshal(data, &given), json.Unmarshal(whole, &read)); err != nil {
		return cfg, fmt.Errorf("config: %w", err)
	}
	return cfg, sameSettings("", given, read)
}

// sameSettings compares the settings that were given with those that were read, at the first difference in the order of their
// names: encoding/json fills up a list that is too short, shortens one that is too long, and takes null and missing values for zero.
func sameSettings(prefix string, given, read map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := read[name]; !ok {
			return fmt.Errorf("config: no setting is called %q", prefix+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		value, ok := given[name]
		if !ok {
			return fmt.Errorf("config: it lacks the setting %q", prefix+name)
		}
		group, isGroup := value.(map[string]any)
		if other, both := read[name].(map[string]any); both && isGroup {
			if err := sameSettings(prefix+name+".", group, other); err != nil {
				return err
			}
			continue
		}
		if !reflect.DeepEqual(value, read[name]) {
			return fmt.Errorf("config: %s is %s, which would be read as %s", prefix+name, asJSON(value), asJSON(read[name]))
		}
	}
	return nil
}

// asJSON spells a value that came from JSON.
func asJSON(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

// Set changes one setting, named by its path in config.json ("optimizer.lr"), to a value in JSON ("3e-4", "true", "[1, 1, 1, 1]"); a text
// needs no quotes. An unknown key is an error that lists those beside it. After an error the configuration is as it was.
func (c *Config) Set(key, value string) error {
	tree, err := c.tree()
	if err != nil {
		return err
	}
	path, node := strings.Split(key, "."), tree
	for i, name := range path {
		old, ok := node[name]
		if !ok {
			group := strings.Join(append([]string{"config"}, path[:i]...), ".")
			return fmt.Errorf("config: no setting is called %q; %s has: %s", key, group, strings.Join(slices.Sorted(maps.Keys(node)), ", "))
		}
		child, isGroup := old.(map[string]any)
		if i == len(path)-1 {
			if isGroup {
				return fmt.Errorf("config: %q is a group; set one of: %s", key, strings.Join(slices.Sorted(maps.Keys(child)), ", "))
			}
			node[name] = parseValue(value, old)
			break
		}
		if !isGroup {
			return fmt.Errorf("config: no setting is called %q: %s has no parts", key, strings.Join(path[:i+1], "."))
		}
		node = child
	}
	changed, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("config: %s=%s: %w", key, value, err)
	}
	out, err := ParseConfig(changed)
	if err != nil {
		return err
	}
	*c = out
	return nil
}

// tree returns the configuration as JSON's groups and values.
func (c *Config) tree() (map[string]any, error) {
	whole, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	var tree map[string]any
	return tree, unmarshalExactly(whole, &tree)
}

// parseValue reads a value as JSON, to stand in place of the old one; a text where a text is wanted, or where it isn't JSON, stands for itself.
func parseValue(value string, old any) any {
	var parsed any
	if _, text := old.(string); text || unmarshalExactly([]byte(value), &parsed) != nil {
		return strings.Trim(value, `"`)
	}
	return parsed
}

// unmarshalExactly is json.Unmarshal that keeps numbers as they are written: a seed has more digits than a float64.
func unmarshalExactly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows after the JSON value")
	}
	return nil
}
