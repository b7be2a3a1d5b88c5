// SPDX-License-Identifier: Apache-2.0

package notebooks

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/internal/sampletree"
	"introspection/notebooks/nb"
)

const paperRuns = "02_paper_runs.ipynb"

// spoken returns what a notebook's outputs say in printed text and in HTML that is no table, and how many figures they have as PNG or JPEG. Only commands of the program, which say there how far they
// are, may write to standard error.
func spoken(t *testing.T, n notebook) (words string, figures int) {
	t.Helper()
	var b strings.Builder
	for i, c := range n.Cells {
		for _, o := range c.Outputs {
			if o.Type == "error" || o.Name == "stderr" && !strings.HasPrefix(text(c.Source), "%idml ") {
				t.Errorf("cell %d has an error: %s", i, text(o.Text))
			}
			if o.Data["image/png"] != nil || o.Data["image/jpeg"] != nil {
				figures++
			}
			if html := text(o.Data["text/html"]); !strings.HasPrefix(html, "<table>") {
				b.WriteString(html + "\n")
			}
			b.WriteString(text(o.Text))
		}
	}
	return b.String(), figures
}

// TestPaperRuns holds what the text of the second notebook says against the outputs that are committed with it.
func TestPaperRuns(t *testing.T) {
	n := read(t, paperRuns)
	words, figures := spoken(t, n)
	if figures != 4 {
		t.Errorf("%d figures, want the images, the schedule, the curves and what was found", figures)
	}
	for want, times := range map[string]int{
		"NOT the real data: IDML_DATA is not set": 1, // committed as it runs anywhere
		"warning: datasets: not the whole":        3,
		" steps in ":                              3,
		"stopped after step 6":                    1,
		"finished after step 8":                   1,
		"8 of 8 losses are equal to the last bit": 1,
		"can&#39;t be compared":                   1,
		"48 images of 8 classes":                  1,
		"runs/paper-drawn/cub/report.html":        1,
	} {
		if got := strings.Count(words, want); got != times {
			t.Errorf("%q is said %d times, want %d", want, got, times)
		}
	}
	arrays := regexp.MustCompile(`(\d+) of (\d+) arrays of weights`).FindStringSubmatch(words)
	if arrays == nil || arrays[1] != arrays[2] || arrays[1] == "0" {
		t.Errorf("the run that was broken off ends with other weights: %q", arrays)
	}
	data, err := os.ReadFile(paperRuns)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"/root", "/work", "/home", "/tmp"} {
		if strings.Contains(string(data), private) {
			t.Errorf("it has a path of the machine that it ran on: %s", private)
		}
	}
}

// TestPaperRunsTables looks at the tables of the committed outputs.
func TestPaperRunsTables(t *testing.T) {
	found := tables(read(t, paperRuns))
	if len(found) != 11 {
		t.Fatalf("%d tables, want counts, findings, three of the recipes, changes, losses, three of results, and what is held out", len(found))
	}
	counts, recipes, published, changes, heldOut := found[0], found[2], found[4], found[5], found[10]
	if got := counts["Stanford Online Products, to retrieve"]; got["images published"] != "60,502" || got["classes published"] != "11,316" {
		t.Errorf("the published size of Stanford Online Products is %v", got)
	}
	if got, want := recipes["optimizer.lr"], map[string]string{"": "optimizer.lr", "cub": "0.0006", "cars": "0.00025", "sop": "0.0006"}; !cmp.Equal(got, want) {
		t.Errorf("learning rates %v, want %v", got, want)
	}
	if got := changes["model.batch_norm"]; got["cub"] != "frozen" || got["cub here"] != "trained" {
		t.Errorf("changes of model.batch_norm: %v", got)
	}
	for i, name := range []string{"cub", "cars", "sop"} {
		results := found[7+i]
		if got, want := results["published"]["R@1"], published["R@1"][name]; got != want || got == "" {
			t.Errorf("%s: published R@1 %q, in the table of recipes %q", name, got, want)
		}
		last, untrained := parse(t, results["last epoch"]["MAP@R"]), parse(t, results["untrained network"]["MAP@R"])
		if last < untrained+0.1 {
			t.Errorf("%s: MAP@R %.3f after training, %.3f before", name, last, untrained)
		}
		if results["best epoch"] == nil || results["raw pixels"] == nil {
			t.Errorf("%s: rows %v", name, results)
		}
	}
	if got := heldOut["CUB-200-2011"]; got["classes to train"] != "6" || got["held out"] != "2" {
		t.Errorf("held out of CUB-200-2011: %v; the text says a quarter of 8", got)
	}
}

func parse(t *testing.T, number string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPaperRunsOnRealData executes the parts of the second notebook that don't train, as if the data were real: the recipes stay as they are,
// and where the ImageNet weights are missing, the notebook ends before its data check.
func TestPaperRunsOnRealData(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a kernel")
	}
	data := t.TempDir()
	if err := sampletree.Write(data, "cars", sampletree.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	cells := codeCells(t, paperRuns)
	const compare = `%%
p := nb.Must(nb.FindPhotographs())
for _, name := range p.Names {
	fmt.Println(name, nb.Differences(nb.Must(idml.Recipe(name)), recipe(p, name)))
}`
	made := makeNotebook(t, "idml", cells[0], compare, cells[1], "%%\nfmt.Println(\"too far\")")
	executed, message, err := execute(t, made, nb.DataEnv+"="+data, "IDML_CACHE="+t.TempDir())
	if err == nil || !strings.Contains(message, "run `idml weights resnet50`") {
		t.Errorf("without weights: error %v\n%s", err, message)
	}
	var printed strings.Builder
	for _, c := range read(t, executed).Cells {
		for _, o := range c.Outputs {
			if o.Name == "stdout" {
				printed.WriteString(text(o.Text))
			}
		}
	}
	for _, want := range []string{"cars [data.folder]\n", "The real data: Cars196 in " + data} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("it doesn't print %q:\n%s", want, printed.String())
		}
	}
	if strings.Contains(printed.String(), "too far") {
		t.Error("it goes on without weights")
	}
}

// codeCells returns the sources of a notebook's code cells.
func codeCells(t *testing.T, name string) []string {
	t.Helper()
	var out []string
	for _, c := range read(t, name).Cells {
		if c.Type == "code" {
			out = append(out, text(c.Source))
		}
	}
	return out
}
