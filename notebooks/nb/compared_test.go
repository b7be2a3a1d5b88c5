// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/experiment"
	"introspection/plots"
)

// comparedText is a table of two losses in two forms, as "idml compare --csv" writes it.
const comparedText = `dataset,kind,setting,reference,metric,seeds,paired,mean,deviation,seeds_low,seeds_high,queries_low,queries_high,classes_low,classes_high,queries,classes
glyphs,baseline,raw pixels,,recall@1,1,,0.3,,,,,,,,,
glyphs,baseline,untrained network,,recall@1,3,,0.1,0.01,0.08,0.12,,,,,,
glyphs,setting,"triplet plain, optimizer.lr=0.002",,recall@1,3,,0.5,0.01,0.48,0.52,,,,,,
glyphs,setting,"triplet plain, optimizer.lr=0.002",,map@r,3,,0.2,0.02,0.15,0.25,,,,,,
glyphs,published,"triplet plain, optimizer.lr=0.002",,recall@1,,,0.9,,,,,,,,,
glyphs,setting,"triplet paper, optimizer.lr=0.006",,recall@1,3,,0.56,0.01,0.54,0.58,,,,,,
glyphs,setting,margin plain,,recall@1,3,,0.4,0.01,0.38,0.42,,,,,,
glyphs,setting,margin paper,,recall@1,3,,0.38,0.01,0.36,0.4,,,,,,
glyphs,difference,"triplet paper, optimizer.lr=0.006","triplet plain, optimizer.lr=0.002",recall@1,3,true,0.06,0.01,0.02,0.1,0.04,0.08,0.01,0.11,1680,84
glyphs,difference,margin paper,margin plain,recall@1,3,true,-0.02,0.01,-0.05,0.01,-0.03,-0.01,-0.04,-0.005,1680,84
`

func compared(t *testing.T) *Compared {
	t.Helper()
	c, err := readCompared(strings.NewReader(comparedText))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComparedTables(t *testing.T) {
	c := compared(t)
	heads, rows := c.table([]string{"recall@1", "map@r"})
	want := [][]string{
		{"", "seeds", "R@1", "95 % over seeds", "MAP@R"},
		{"raw pixels", "1", "0.300", "–", "–"},
		{"untrained network", "3", "0.100 ± 0.010", "[0.080, 0.120]", "–"},
		{"triplet plain, optimizer.lr=0.002", "3", "0.500 ± 0.010", "[0.480, 0.520]", "0.200 ± 0.020"},
		{"triplet paper, optimizer.lr=0.006", "3", "0.560 ± 0.010", "[0.540, 0.580]", "–"},
		{"margin plain", "3", "0.400 ± 0.010", "[0.380, 0.420]", "–"},
		{"margin paper", "3", "0.380 ± 0.010", "[0.360, 0.400]", "–"},
	}
	if diff := cmp.Diff(want, append([][]string{heads}, rows...)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	heads, rows = c.differencesTable("recall@1")
	want = [][]string{
		{"", "minus", "seeds", "R@1", "over seeds", "over test images", "over classes"},
		{"triplet paper, optimizer.lr=0.006", "triplet plain, optimizer.lr=0.002", "3", "+0.060", "[+0.020, +0.100]", "[+0.040, +0.080]", "[+0.010, +0.110]"},
		{"margin paper", "margin plain", "3", "−0.020", "[−0.050, +0.010]", "[−0.030, −0.010]", "[−0.040, −0.005]"},
	}
	if diff := cmp.Diff(want, append([][]string{heads}, rows...)); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestComparedSentences(t *testing.T) {
	c := compared(t)
	single := compared(t)
	for i := range single.rows {
		single.rows[i].overSeeds = experiment.Interval{Low: math.NaN(), High: math.NaN()}
	}
	tests := []struct{ got, want string }{
		{
			single.Verdict("recall@1", "paper"),
			`R@1 of “paper” minus its reference: above 0 in 1 of 2, from −0.020 to +0.060. ` +
				`By the interval over classes (a single seed has none over seeds) it is better in 1 (triplet paper) and worse in 1 (margin paper).`,
		},
		{
			c.Verdict("recall@1", "paper"),
			`R@1 of “paper” minus its reference: above 0 in 1 of 2, from −0.020 to +0.060. ` +
				`By the intervals over seeds and over classes alike it is better in 1 (triplet paper) and worse in 0.`,
		},
		{c.Verdict("recall@1", "released"), `R@1: the table has no difference of a setting with “released”.`},
		{c.Verdict("recall@1", "pap"), `R@1: the table has no difference of a setting with “pap”.`},
		{
			c.Above("recall@1", 0.1),
			"3 of 4 settings are above the better baseline (raw pixels, R@1 0.300) by 0.1 or more; the best is triplet paper, optimizer.lr=0.006 with 0.560 ± 0.010.",
		},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("it says\n%s\nwant\n%s", test.got, test.want)
		}
	}
}

func TestComparedFigures(t *testing.T) {
	c := compared(t)
	spans := c.Spans("recall@1")
	if len(spans) != 6 || !spans[0].Baseline || spans[0].Interval.Exists() || spans[2].Baseline || spans[2].Interval != (experiment.Interval{Low: 0.48, High: 0.52}) {
		t.Errorf("spans %+v", spans)
	}
	if spans[2].Name != "triplet plain" || spans[5].Name != "margin paper" {
		t.Errorf("names %q and %q", spans[2].Name, spans[5].Name)
	}
	twice := append(c.of("recall@1", comparedSetting), comparedRow{setting: "triplet plain, optimizer.lr=0.006"})
	if got := shortNames(twice)[0]; got != "triplet plain, optimizer.lr=0.002" {
		t.Errorf("of two rates, one is called %q", got)
	}
	if f, err := NewSpans("R@1", spans); err != nil {
		t.Error(err)
	} else {
		picture(f)
	}
	if _, err := NewSpans("R@1", nil); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no spans: error %v", err)
	}
	if _, err := NewSpans("R@1", []Span{{Name: "x", Mean: math.NaN()}}); !errors.Is(err, plots.ErrNotFinite) {
		t.Errorf("a mean that is NaN: error %v", err)
	}
	if f, err := c.Differences("recall@1"); err != nil {
		t.Error(err)
	} else {
		picture(f)
	}
	if _, err := c.Differences("nmi"); !errors.Is(err, plots.ErrNoData) {
		t.Errorf("no differences: error %v", err)
	}
}

// TestComparedMethods makes the six methods of a table of a plain form and one that released.
func TestComparedMethods(t *testing.T) {
	text := "kind,setting,reference,metric,seeds,mean,deviation,seeds_low,seeds_high,queries_low,queries_high,classes_low,classes_high,queries,classes\n"
	for _, setting := range []string{"plain", "released", "plain + mixup", "released + mixup", "plain + cutmix", `"released + cutmix, mixing.beta=1"`} {
		for _, metric := range []string{"top@1", "top@5", "loss", "ece"} {
			text += "setting," + setting + ",," + metric + ",3,0.5,0.1,0.4,0.6,,,,,,\n"
		}
	}
	c, err := readCompared(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	heads, rows, err := c.methodsTable("fashion10", []string{"cifar10", "imagenet"})
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	want := [][]string{
		{"", "setting", "seeds", "top-1", "top-5", "loss", "ECE", "published top-1, cifar10", "published top-1, imagenet"},
		{"baseline", "plain", "3", "0.500 ± 0.100", "0.500 ± 0.100", "0.500 ± 0.100", "0.500 ± 0.100", "0.9615", "0.7632"},
		{"idml-cutmix", "released + cutmix", "3", "0.500 ± 0.100", "0.500 ± 0.100", "0.500 ± 0.100", "0.500 ± 0.100", "0.9732", "0.7904"},
	}
	if diff := cmp.Diff(want, [][]string{heads, rows[0], rows[5]}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, _, err := compared(t).methodsTable("fashion10", nil); err == nil {
		t.Error("a table without classifiers")
	}
}

func TestReadComparedErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", "without rows"},
		{"heads alone", "kind,setting\n", "without rows"},
		{"a column is missing", strings.ReplaceAll(comparedText, "deviation", "spread"), `"deviation"`},
		{"no number", strings.Replace(comparedText, "0.56,", "many,", 1), "line 7"},
		{"ragged", comparedText + "glyphs,setting\n", "wrong number of fields"},
	}
	for _, test := range tests {
		if _, err := readCompared(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
	if _, err := ReadCompared("none.csv"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "docs/none.csv") {
		t.Errorf("a file that isn't there: error %v", err)
	}
	f, err := openDocument("sweep.md") // from a test's folder, it is found by the sources
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestRoundTicks(t *testing.T) {
	tests := []struct {
		low, high float64
		want      string
	}{
		{0.01, 0.62, "0.2 0.4 0.6"},
		{-1.6, 1.9, "−1 0 1"},
		{0.251, 0.262, "0.252 0.254 0.256 0.258 0.260 0.262"},
		{0, 3, "0 1 2 3"},
	}
	for _, test := range tests {
		var labels []string
		for _, tick := range (round{}).Ticks(test.low, test.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("from %v to %v: %s, want %s", test.low, test.high, got, test.want)
		}
	}
}
