// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"introspection/idml/runlog"
)

// rawJSON takes a JSON value as it is written.
type rawJSON = json.RawMessage

// setting is one line of a table of settings.
type setting struct{ Key, Value string }

// settings returns the leaves of a JSON value with dotted keys, in the order
// of the file. Lists of plain values stay together.
func settings(config []byte) ([]setting, error) {
	if len(config) == 0 {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, config); err != nil {
		return nil, err
	}
	var out []setting
	err := flatten("", compact.Bytes(), &out)
	return out, err
}

// flatten appends the leaves of value, which has no white space, to out.
func flatten(key string, value []byte, out *[]setting) error {
	nested := bytes.HasPrefix(value, []byte("{")) || bytes.HasPrefix(value, []byte("[{")) || bytes.HasPrefix(value, []byte("[["))
	if !nested {
		*out = append(*out, setting{key, plain(value)})
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	open, err := decoder.Token()
	if err != nil {
		return err
	}
	before := len(*out)
	for i := 0; decoder.More(); i++ {
		name := strconv.Itoa(i)
		if open == json.Delim('{') {
			token, err := decoder.Token()
			if err != nil {
				return err
			}
			name = fmt.Sprint(token)
		}
		var inner rawJSON
		if err := decoder.Decode(&inner); err != nil {
			return err
		}
		if err := flatten(strings.TrimPrefix(key+"."+name, "."), inner, out); err != nil {
			return err
		}
	}
	if len(*out) == before {
		*out = append(*out, setting{key, "none"})
	}
	return nil
}

// plain writes a JSON value that has no objects in it for people to read.
func plain(value []byte) string {
	var text string
	if json.Unmarshal(value, &text) == nil && len(value) > 0 && value[0] == '"' {
		if text == "" {
			return `""`
		}
		return text
	}
	return strings.ReplaceAll(string(value), ",", ", ")
}

// environment returns the lines on where a run ran.
func environment(e *runlog.Environment) []setting {
	if e == nil {
		return nil
	}
	lines := []setting{
		{"backend", e.Backend},
		{"device", e.Device},
		{"system", strings.Trim(e.OS+"/"+e.Arch, "/") + ", " + count(e.CPUs, "CPU")},
		{"JPEG by", e.JPEG},
		{"go", e.Go},
		{"revision", e.Revision},
	}
	if e.Devices > 1 {
		lines[1].Value += fmt.Sprintf("; %d shared each batch", e.Devices)
	}
	lines = slices.DeleteFunc(lines, func(s setting) bool { return s.Value == "" })
	var modules []string
	for _, path := range slices.Sorted(maps.Keys(e.Modules)) {
		modules = append(modules, path+" "+e.Modules[path])
	}
	if len(modules) > 0 {
		lines = append(lines, setting{"modules", strings.Join(modules, ", ")})
	}
	return lines
}

// fraction writes a metric with three digits, "–" if there is none.
func fraction(v float64, ok bool) string {
	if !ok || !finite(v) {
		return "–"
	}
	return minus(strconv.FormatFloat(v, 'f', 3, 64))
}

// count writes a number with its noun in the right form.
func count(n int, noun string) string {
	if n != 1 {
		switch {
		case strings.HasSuffix(noun, "ry"):
			noun = strings.TrimSuffix(noun, "y") + "ies"
		case strings.HasSuffix(noun, "ss"):
			noun += "es"
		default:
			noun += "s"
		}
	}
	return thousands(n) + " " + noun
}

// thousands writes a number with commas between groups of three digits.
func thousands(n int) string {
	text := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(text) - 3; i > start; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return minus(text)
}

// duration writes seconds for people to read.
func duration(seconds float64) string {
	if !finite(seconds) || seconds < 0 || seconds > math.MaxInt32 {
		return "unknown time"
	}
	if seconds < 60 {
		return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
	}
	d := time.Duration(seconds+0.5) * time.Second
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	if h > 0 {
		return fmt.Sprintf("%d h %02d min", h, m)
	}
	return fmt.Sprintf("%d min %02d s", m, s)
}

// status returns the line under the title: what was done, how fast and where.
func status(d *runData) string {
	var parts []string
	if r := d.results; r != nil {
		parts = append(parts, fmt.Sprintf("%s: %s, %s in %s", titleCase(r.Status), count(r.Epochs, "epoch"), count(r.Steps, "step"), duration(r.Seconds)))
	} else if n := len(d.records); n > 0 {
		last := d.records[n-1]
		parts = append(parts, fmt.Sprintf("Not ended: last noted in epoch %d at step %s after %s", last.Epoch, thousands(last.Step), duration(last.Seconds)))
	}
	if speed, ok := medianSpeed(d.records); ok {
		parts = append(parts, thousands(int(speed+0.5))+" images/s (median of steps)")
	}
	if e := d.environment; e != nil && e.Backend != "" {
		parts = append(parts, "backend "+e.Backend)
	}
	return strings.Join(parts, " · ")
}

// titleCase writes the first letter large.
func titleCase(s string) string {
	if s == "" {
		return "Status unknown"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// medianSpeed returns the median images per second of the training steps.
func medianSpeed(records []runlog.Record) (float64, bool) {
	var speeds []float64
	for _, r := range records {
		if r.Kind == runlog.KindStep && finite(r.ImagesPerSecond) && r.ImagesPerSecond > 0 {
			speeds = append(speeds, r.ImagesPerSecond)
		}
	}
	if len(speeds) == 0 {
		return 0, false
	}
	slices.Sort(speeds)
	return (speeds[(len(speeds)-1)/2] + speeds[len(speeds)/2]) / 2, true
}
