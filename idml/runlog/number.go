// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"encoding/json"
	"fmt"
	"math"
)

// number is a float64 as it stands in the files: values that are not finite are
// the strings "NaN", "Infinity" and "-Infinity".
type number float64

// MarshalJSON writes the shortest number that reads back as n, or one of the
// three strings.
func (n number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}

// UnmarshalJSON reads what MarshalJSON writes, and null as NaN.
func (n *number) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`, "null":
		*n = number(math.NaN())
	case `"Infinity"`:
		*n = number(math.Inf(1))
	case `"-Infinity"`:
		*n = number(math.Inf(-1))
	default:
		var f float64
		if err := json.Unmarshal(data, &f); err != nil {
			return fmt.Errorf("%s is not a number", data)
		}
		*n = number(f)
	}
	return nil
}

// numbers returns metrics in the form of the files, nil if there are none.
func numbers(metrics map[string]float64) map[string]number {
	if len(metrics) == 0 {
		return nil
	}
	out := make(map[string]number, len(metrics))
	for name, value := range metrics {
		out[name] = number(value)
	}
	return out
}

// floats returns metrics as float64, nil if there are none.
func floats(metrics map[string]number) map[string]float64 {
	if len(metrics) == 0 {
		return nil
	}
	out := make(map[string]float64, len(metrics))
	for name, value := range metrics {
		out[name] = float64(value)
	}
	return out
}
