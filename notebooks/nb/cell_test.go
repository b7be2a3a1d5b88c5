// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml/runlog"
	"introspection/plots"
)

// panics returns what f panics with, nil if it returns.
func panics(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestMust(t *testing.T) {
	broken := errors.New("broken")
	if got := Must(3, nil); got != 3 {
		t.Errorf("Must(3, nil) = %d", got)
	}
	if got := panics(func() { Check(nil) }); got != nil {
		t.Errorf("Check(nil) panics with %v", got)
	}
	for name, f := range map[string]func(){"Must": func() { Must(3, broken) }, "Check": func() { Check(broken) }} {
		if got := panics(f); got != broken {
			t.Errorf("%s panics with %v, want the error", name, got)
		}
	}
}

func TestShowOutsideNotebook(t *testing.T) {
	f := Must(plots.NewHistogram("x", plots.Group{Name: "g", Values: []float64{1, 2}}))
	if got := panics(func() { Show(f) }); got != nil {
		t.Errorf("Show panics with %v", got)
	}
}

func TestTable(t *testing.T) {
	got := table([]string{"", "a<b"}, [][]string{{"x & y", "1"}})
	want := "<table>\n<thead><tr><th></th><th>a&lt;b</th></tr>\n</thead>\n<tbody>\n<tr><th>x &amp; y</th><td>1</td></tr>\n</tbody>\n</table>"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, ok := panics(func() { table([]string{"", "a"}, [][]string{{"x"}}) }).(string); !ok || !strings.HasPrefix(got, "nb: row 0") {
		t.Errorf("a short row panics with %v", got)
	}
}

func TestResultsTable(t *testing.T) {
	heads, rows := resultsTable(runlog.Results{Rows: []runlog.Row{
		{Name: "raw pixels", Metrics: map[string]float64{"recall@1": 0.25, "map@r": 0.0004}},
		{Name: "last epoch", Metrics: map[string]float64{"recall@1": 0.6666, "r_precision": math.NaN()}},
	}}, []string{"recall@1", "map@r", "r_precision", "nmi"})
	if diff := cmp.Diff([]string{"", "R@1", "MAP@R", "RP", "NMI"}, heads); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"raw pixels", "0.250", "0.000", "–", "–"}, {"last epoch", "0.667", "–", "–", "–"}}, rows); diff != "" {
		t.Error(diff)
	}
	results := runlog.Results{Rows: []runlog.Row{{Name: "last epoch", Metrics: map[string]float64{"recall@1": 0.5}}}, Published: map[string]float64{"recall@1": 0.707}}
	if _, rows := resultsTable(results, []string{"recall@1"}); !cmp.Equal(rows, [][]string{{"last epoch", "0.500"}, {"published", "0.707"}}) {
		t.Errorf("rows %v, want the published one last", rows)
	}
}

func TestParagraph(t *testing.T) {
	if got, want := paragraph("b", "%s: %d%%", "a<b", 3), "<b>a&lt;b: 3%</b>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
