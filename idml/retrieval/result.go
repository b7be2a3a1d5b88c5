// SPDX-License-Identifier: Apache-2.0

package retrieval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Result holds the metrics of embeddings, as fractions of 1.
type Result struct {
	// Recall holds R@K by K.
	Recall map[int]float64
	// RPrecision and MAPAtR are means over the queries whose class has another row.
	RPrecision, MAPAtR float64
	// NMI, AMI and F1 compare clusters with classes. They are 0 unless Clustered.
	NMI, AMI, F1 float64
	// Queries counts the rows, LoneQueries those whose class has no other row, Classes the different labels.
	Queries, LoneQueries, Classes int
	// Clustered tells whether clusters were compared.
	Clustered bool
	// Neighbors lists the nearest rows of each row, at least as many as the metrics need. It is not part of the JSON.
	Neighbors [][]int `json:"-"`
}

// named is a metric with its name in JSON.
type named struct {
	name  string
	value float64
}

// list returns the fractions in the order of the JSON.
func (r Result) list() []named {
	var out []named
	for _, k := range slices.Sorted(maps.Keys(r.Recall)) {
		out = append(out, named{fmt.Sprintf("recall@%d", k), r.Recall[k]})
	}
	out = append(out, named{"r_precision", r.RPrecision}, named{"map@r", r.MAPAtR})
	if r.Clustered {
		out = append(out, named{"nmi", r.NMI}, named{"ami", r.AMI}, named{"f1", r.F1})
	}
	return out
}

// Metrics returns the fractions by name: recall@1, …, r_precision, map@r, and, if clusters were compared, nmi, ami and f1.
func (r Result) Metrics() map[string]float64 {
	out := make(map[string]float64)
	for _, m := range r.list() {
		out[m.name] = m.value
	}
	return out
}

// MarshalJSON writes one object: the fractions that [Result.Metrics] names, recalls in the order of K, then queries,
// lone_queries and classes.
func (r Result) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for _, m := range r.list() {
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("retrieval: %s: %w", m.name, err)
		}
		fmt.Fprintf(&out, "%q:%s,", m.name, value)
	}
	fmt.Fprintf(&out, `"queries":%d,"lone_queries":%d,"classes":%d}`, r.Queries, r.LoneQueries, r.Classes)
	return out.Bytes(), nil
}
