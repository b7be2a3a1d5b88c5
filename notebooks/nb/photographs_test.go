// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/internal/sampletree"
)

// sampleTrees changes into an empty folder and draws the trees there.
func sampleTrees(t *testing.T) Photographs {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv(DataEnv, "")
	p, err := FindPhotographs()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDrawnPhotographs(t *testing.T) {
	p := sampleTrees(t)
	if diff := cmp.Diff(Photographs{Folder: "runs/data", Real: false, Names: []string{"cub", "cars", "sop"}}, p); diff != "" {
		t.Fatal(diff)
	}
	if text := p.String(); !strings.HasPrefix(text, "NOT the real data") || !strings.Contains(text, "CUB-200-2011, Cars196, Stanford Online Products") {
		t.Errorf("it is called %q", text)
	}
	if !strings.Contains(p.Verdict(), "can't be compared") || p.Runs() != "runs/paper-drawn" {
		t.Errorf("verdict %q, runs in %s", p.Verdict(), p.Runs())
	}
	seen := map[string]string{}
	for _, name := range p.Names {
		split := Must(p.Split(name))
		if len(split.Train.Examples) != 48 || len(split.Test.Classes) != 8 {
			t.Errorf("%s: %d images to train, %d classes to retrieve", name, len(split.Train.Examples), len(split.Test.Classes))
		}
		pixels := string(Must(split.Test.Image(0)).Pix)
		if seen[pixels] != "" {
			t.Errorf("%s and %s have the same images", name, seen[pixels])
		}
		seen[pixels] = name
	}
	if _, err := p.Split("glyphs"); err == nil {
		t.Error("glyphs among the photographs")
	}
}

// TestDrawnPhotographsAgain checks that what is there stays, that what is missing is drawn, and that nothing else is left.
func TestDrawnPhotographsAgain(t *testing.T) {
	p := sampleTrees(t)
	mark := filepath.Join(p.Folder, "CUB_200_2011", "mark")
	Check(os.WriteFile(mark, nil, 0o644))
	Check(os.RemoveAll(filepath.Join(p.Folder, "cars196")))
	Must(DrawnPhotographs())
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("a tree was drawn anew: %v", err)
	}
	var got []string
	for _, entry := range Must(os.ReadDir(p.Folder)) {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff([]string{"CUB_200_2011", "Stanford_Online_Products", "cars196"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRealPhotographs calls a folder real that IDML_DATA names, which may hold some of the datasets, in either spelling.
func TestRealPhotographs(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(DataEnv, folder)
	if _, err := FindPhotographs(); err == nil || !strings.Contains(err.Error(), "none of CUB_200_2011, cars196, Stanford_Online_Products") {
		t.Errorf("an empty folder: error %v", err)
	}
	for _, name := range []string{"sop", "cub"} {
		Check(sampletree.Write(folder, name, sampletree.DefaultOptions()))
	}
	Check(os.Rename(filepath.Join(folder, "Stanford_Online_Products"), filepath.Join(folder, "Standford_Online_Products")))
	p, err := FindPhotographs()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Photographs{Folder: folder, Real: true, Names: []string{"cub", "sop"}}, p); diff != "" {
		t.Error(diff)
	}
	if got, want := p.String(), "The real data: CUB-200-2011, Stanford Online Products in "+folder+" (IDML_DATA is set)."; got != want {
		t.Errorf("it is called %q, want %q", got, want)
	}
	if p.Runs() != "runs/paper" || !strings.Contains(p.Verdict(), "best epoch, which was chosen on the test classes") {
		t.Errorf("runs in %s, verdict %q", p.Runs(), p.Verdict())
	}
	for _, name := range p.Names {
		Must(p.Split(name))
	}
	t.Setenv(DataEnv, filepath.Join(folder, "nowhere"))
	if _, err := FindPhotographs(); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("no folder: error %v", err)
	}
}

func TestVerify(t *testing.T) {
	p := sampleTrees(t)
	Check(os.WriteFile(filepath.Join(p.Folder, "cars196/car_ims/000003.jpg"), []byte("no image"), 0o644))
	found, err := p.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	heads, rows := countsTable(found)
	if diff := cmp.Diff([]string{"", "images", "images published", "classes", "classes published"}, heads); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Stanford Online Products, to retrieve", "48", "60,502", "8", "11,316"}, rows[5]); diff != "" {
		t.Error(diff)
	}
	_, rows = findingsTable(found)
	want := [][]string{
		{"CUB-200-2011", "0", "0", "0", "0", "1", "not as published", "images/001.Drawn_Bird_1/Drawn_Bird_1_0002_700101.jpg"},
		{"Cars196", "0", "1", "0", "0", "1", "not as published", "car_ims/000003.jpg: neither JPEG nor PNG"},
		{"Stanford Online Products", "0", "0", "0", "0", "1", "not as published", "bicycle_final/110000000001_1.JPG"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestFindingsOfWholeDataset(t *testing.T) {
	published, _ := datasets.PublishedByName("cub")
	v := &datasets.Verification{
		Dataset: "cub",
		Train:   datasets.Half{Count: published.Train, Published: &published.Train},
		Test:    datasets.Half{Count: published.Test, Published: &published.Test},
	}
	_, rows := findingsTable([]*datasets.Verification{v})
	if diff := cmp.Diff([][]string{{"CUB-200-2011", "0", "0", "0", "0", "0", "as published", ""}}, rows); diff != "" {
		t.Error(diff)
	}
	v.Test.Images--
	if _, rows := findingsTable([]*datasets.Verification{v}); rows[0][6] != "not as published" {
		t.Errorf("an image too few: %v", rows)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 60502: "60,502", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestHeldOut(t *testing.T) {
	p := sampleTrees(t)
	if err := HeldOut(p, 0.25, 0); err != nil {
		t.Error(err)
	}
	if err := HeldOut(p, 1.5, 0); err == nil {
		t.Error("more than all classes were held out")
	}
}
