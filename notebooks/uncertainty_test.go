// SPDX-License-Identifier: Apache-2.0

package notebooks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const uncertaintyNotebook = "04_uncertainty.ipynb"

// Which of its tables are what.
const (
	trainedPlain = iota // results of training
	trainedPaper
	allPlain // what idml uncertainty printed
	allPaper
	worthAmbiguous
	worthDamaged
	worthErrors
	extremesPlain
	extremesPaper
	worthOthers
	uncertaintyTables
)

// The scores, as they head the columns.
const (
	byNorm     = "‖u‖"
	byBeta     = "mean β"
	byFeatures = "−‖features‖"
	byProxy    = "proxy distance"
)

// worth is what the notebook's run said of a score.
type worth struct{ value, low, high float64 }

// worthIn reads a cell, as "0.682 [0.645, 0.717]", of what idml uncertainty printed.
func worthIn(t *testing.T, table map[string]map[string]string, measure, score string) worth {
	t.Helper()
	var w worth
	cell := table[measure][score]
	if _, err := fmt.Sscanf(strings.ReplaceAll(cell, "−", "-"), "%f [%f, %f]", &w.value, &w.low, &w.high); err != nil {
		t.Fatalf("%q of %s is %q: %v", measure, score, cell, err)
	}
	return w
}

// TestUncertainty checks that what is committed is what a reader should see, that the short tables hold what the long ones do, and the sentences of the sum.
func TestUncertainty(t *testing.T) {
	checkPrivate(t, uncertaintyNotebook)
	n := read(t, uncertaintyNotebook)
	words, figures := spoken(t, n)
	found := tables(n)
	if len(found) != uncertaintyTables || figures != 14 {
		t.Fatalf("%d tables and %d figures, want %d and 14", len(found), figures, uncertaintyTables)
	}
	for _, want := range []string{"runs/uncertainty/paper/report.html", "plain, ‖u‖: of 24 AUROC", "paper, proxy distance: of 24 AUROC"} {
		if !strings.Contains(words, want) {
			t.Errorf("it doesn't say %q", want)
		}
	}
	for _, at := range []int{worthAmbiguous, worthDamaged, worthErrors, worthOthers} {
		for name, row := range found[at] {
			run, measure, _ := strings.Cut(name, ": ")
			long := map[string]int{"plain": allPlain, "paper": allPaper}[run]
			for _, score := range []string{"chance", byNorm, byBeta, byFeatures, byProxy} {
				if want := found[long][measure][score]; row[score] != want || want == "" {
					t.Errorf("%s of %s is %q, in the long table %q", score, name, row[score], want)
				}
			}
		}
	}
	for _, at := range []int{trainedPlain, trainedPaper} {
		if last, pixels := parse(t, found[at]["last epoch"]["R@1"]), parse(t, found[at]["raw pixels"]["R@1"]); last < pixels+0.15 {
			t.Errorf("R@1 is %.3f, of raw pixels %.3f: the uncertainty of a network that has learned little says little", last, pixels)
		}
	}
	if plain, paper := parse(t, found[trainedPlain]["last epoch"]["R@1"]), parse(t, found[trainedPaper]["last epoch"]["R@1"]); plain <= paper || plain > paper+0.1 {
		t.Errorf("R@1 is %.3f in the plain run and %.3f in the introspective one: the text says that the second is a little worse", plain, paper)
	}
}

// TestUncertaintySum holds the words on how often the scores of the introspective run are above chance.
func TestUncertaintySum(t *testing.T) {
	words, _ := spoken(t, read(t, uncertaintyNotebook))
	above := map[string]int{}
	for _, score := range []string{byNorm, byProxy} {
		_, after, _ := strings.Cut(words, "paper, "+score+": of ")
		var all, n int
		if _, err := fmt.Sscanf(after, "%d AUROC, %d are above chance", &all, &n); err != nil || all != 24 {
			t.Fatalf("of %s it says %.40q: %v", score, after, err)
		}
		above[score] = n
	}
	if n := above[byNorm]; n < 18 || above[byProxy] < n-3 || above[byProxy] > n+3 {
		t.Errorf("above chance %v: the text says almost every kind, and that the proxy distance is so about as often", above)
	}
}

// TestUncertaintyPlain holds the words on the run in which nothing teaches ‖u‖.
func TestUncertaintyPlain(t *testing.T) {
	found := tables(read(t, uncertaintyNotebook))
	plain := found[allPlain]
	for _, measure := range []string{
		"AUROC, wrong R@1", "AUROC, made ambiguous by blend", "AUROC, noise 3", "AUROC, blur 3", "AUROC, mixed half and half", "AUROC, another domain",
	} {
		if w := worthIn(t, plain, measure, byNorm); w.high >= 0.5 {
			t.Errorf("%s of ‖u‖ is %v: the text says that it is below chance", measure, w)
		}
	}
	if w := worthIn(t, plain, "AUROC, brightness 3", byNorm); w.low <= 0.5 {
		t.Errorf("AUROC, brightness 3 of ‖u‖ is %v: the text says that brightness makes it larger", w)
	}
	for _, kind := range []string{"blend", "occlusion", "blur"} {
		norm := worthIn(t, plain, "AUROC, made ambiguous by "+kind, byNorm).value
		for _, free := range []string{byFeatures, byProxy} {
			if v := worthIn(t, plain, "AUROC, made ambiguous by "+kind, free).value; v <= norm {
				t.Errorf("%s: AUROC %.3f of %s, %.3f of ‖u‖: the text says that it says more", kind, v, free, norm)
			}
		}
	}
	for _, free := range []string{byFeatures, byProxy} {
		if w := worthIn(t, plain, "gain, rejecting wrong R@1", free); w.low <= 0 {
			t.Errorf("the gain of %s is %v: the text says that its curve goes down", free, w)
		}
	}
	if w := worthIn(t, plain, "gain, rejecting wrong R@1", byNorm); w.high >= 0 {
		t.Errorf("the gain of ‖u‖ is %v: the text says that its curve goes up", w)
	}
	ends := found[extremesPlain]
	if certain, all := parse(t, ends["certain"]["R@1"]), parse(t, ends["all"]["R@1"]); certain >= all-0.05 {
		t.Errorf("R@1 is %.3f of the most certain and %.3f of all: the text says that they are worse", certain, all)
	}
}

// TestUncertaintyPaper holds the words on the introspective run, and on both side by side.
func TestUncertaintyPaper(t *testing.T) {
	found := tables(read(t, uncertaintyNotebook))
	paper := found[allPaper]
	close, behind := 0, 0 // the proxy distance, beside ‖u‖
	for measure := range paper {
		kind, of, _ := strings.Cut(measure, ", ")
		if kind != "AUROC" {
			continue
		}
		norm := worthIn(t, paper, measure, byNorm)
		faint := strings.HasSuffix(of, " 1") || strings.HasPrefix(of, "noise") || of == "brightness 2"
		if norm.low <= 0.5 && !faint {
			t.Errorf("%s of ‖u‖ is %v: the text says that it is above chance", measure, norm)
		}
		if gap := norm.value - worthIn(t, paper, measure, byProxy).value; gap < 0.15 {
			close++
			if gap > 0 {
				behind++
			}
		}
	}
	if close < 22 || behind < 14 {
		t.Errorf("the proxy distance is close to ‖u‖ in %d and behind it in %d: the text says that it comes close behind at nearly everything", close, behind)
	}
	if w := worthIn(t, paper, "AUROC, noise 3", byNorm); w.value > 0.57 || w.value < 0.47 {
		t.Errorf("noise 3: %v; the text says that ‖u‖ knows next to nothing of noise", w)
	}
	if w := worthIn(t, paper, "AUROC, low resolution 3", byNorm); w.value < 0.95 {
		t.Errorf("low resolution 3: %v; the text speaks of nearly every copy", w)
	}
	for _, of := range []string{"noise 3", "mixed half and half"} {
		norm, features := worthIn(t, paper, "AUROC, "+of, byNorm).value, worthIn(t, paper, "AUROC, "+of, byFeatures).value
		if features <= norm {
			t.Errorf("%s: ‖u‖ %.3f, −‖features‖ %.3f: the text says that the second is better", of, norm, features)
		}
	}
	for _, of := range []string{"blur", "brightness", "occlusion", "low resolution", "crop"} {
		var values []float64
		for strength := 1; strength <= 3; strength++ {
			values = append(values, worthIn(t, paper, fmt.Sprintf("AUROC, %s %d", of, strength), byNorm).value)
		}
		if !slices.IsSorted(values) || worthIn(t, paper, "AUROC, "+of+" 3", byProxy).value >= values[2] {
			t.Errorf("%s: ‖u‖ %v; the text says that it rises with the strength, and above the proxy distance", of, values)
		}
		if w := worthIn(t, paper, "AUROC, "+of+" 3", byFeatures); w.value > 0.62 {
			t.Errorf("%s: −‖features‖ %v; the text says that it is poor", of, w)
		}
	}
	checkStrange(t, found)
	checkRejection(t, found)
}

// checkStrange holds the words on ambiguous letters, the ends, and clothing.
func checkStrange(t *testing.T, found []map[string]map[string]string) {
	t.Helper()
	paper := found[allPaper]
	blur := worthIn(t, paper, "AUROC, made ambiguous by blur", byNorm).value
	for _, kind := range []string{"blend", "occlusion"} {
		if w := worthIn(t, paper, "AUROC, made ambiguous by "+kind, byNorm); w.low < 0.55 || w.value >= blur {
			t.Errorf("%s: %v; the text says that it is well above chance, and blur %.3f more than that", kind, w, blur)
		}
	}
	domain := worthIn(t, paper, "AUROC, another domain", byNorm).value
	if v := worthIn(t, paper, "AUROC, another domain", byProxy).value; v >= domain {
		t.Errorf("clothing: ‖u‖ %.3f, proxy distance %.3f", domain, v)
	}
	if w := worthIn(t, paper, "AUROC, another domain", byFeatures); w.value >= 0.5 {
		t.Errorf("clothing: −‖features‖ is %v; the text says that it is no better than chance", w)
	}
	ends := found[extremesPaper]
	if v := parse(t, ends["certain"]["clear"]); v <= 0.9 {
		t.Errorf("%.3f of the most certain images are clear: the text says more than nine in ten", v)
	}
	if v := parse(t, ends["uncertain"]["clear"]); v > 0.35 {
		t.Errorf("%.3f of the most uncertain images are clear: the text says that most of them were made ambiguous", v)
	}
	if v := parse(t, ends["uncertain"]["R@1"]); v > 0.25 {
		t.Errorf("R@1 of the most uncertain images is %.3f: the text says that few are found", v)
	}
}

// checkRejection holds the words on rejecting errors.
func checkRejection(t *testing.T, found []map[string]map[string]string) {
	t.Helper()
	paper := found[allPaper]
	const gain, area = "gain, rejecting wrong R@1", "area, rejecting wrong R@1"
	proxy, features := worthIn(t, paper, gain, byProxy), worthIn(t, paper, gain, byFeatures)
	for _, score := range []string{byNorm, byBeta} {
		if w := worthIn(t, paper, gain, score); w.low <= 0 || w.value <= features.value || w.high < proxy.value || proxy.high <= w.low {
			t.Errorf("the gains are %v of %s, %v of the proxy distance and %v of −‖features‖: the text says more than the last, and no less than the other, within the intervals", w, score, proxy, features)
		}
	}
	free, introspective := worthIn(t, found[allPlain], area, byProxy).value, worthIn(t, paper, area, byNorm).value
	if free > introspective+0.03 || free < introspective-0.03 {
		t.Errorf("the area is %.3f in the plain run by the proxy distance and %.3f in the introspective one by ‖u‖: the text says that they are about the same", free, introspective)
	}
}
