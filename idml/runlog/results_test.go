// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/idml/runlog"
)

func TestConfigRoundTrip(t *testing.T) {
	type loss struct {
		Margin float64 `json:"margin"`
	}
	type config struct {
		Recipe string `json:"recipe"`
		Seed   uint64 `json:"seed"`
		Loss   loss   `json:"loss"`
	}
	run := create(t)
	want := config{"glyphs", math.MaxUint64, loss{0.1}}
	if err := run.WriteConfig(want); err != nil {
		t.Fatal(err)
	}
	var got config
	if err := run.ReadConfig(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var tree map[string]any
	if err := run.ReadConfig(&tree); err != nil {
		t.Fatal(err)
	}
	if tree["seed"] != json.Number("18446744073709551615") {
		t.Errorf("seed as any is %v", tree["seed"])
	}
	var narrow struct{ Recipe string }
	if err := run.ReadConfig(&narrow); err == nil || !strings.Contains(err.Error(), `"seed"`) {
		t.Errorf("a setting without a field: %v, want an error that names it", err)
	}
	if err := run.WriteConfig(map[string]any{"lr": math.NaN()}); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("WriteConfig of NaN: %v, want an error that names the file", err)
	}
	if err := run.ReadConfig(&got); err != nil {
		t.Errorf("the old config.json is gone: %v", err)
	}
}

func TestEnvironmentRoundTrip(t *testing.T) {
	run := create(t)
	want := runlog.HostEnvironment()
	if want.Go != runtime.Version() || want.CPUs < 1 || want.OS != runtime.GOOS || want.Arch != runtime.GOARCH {
		t.Errorf("HostEnvironment() = %+v", want)
	}
	want.Backend, want.Device, want.Devices, want.Revision, want.JPEG = "xla:cpu", "cpu", 2, "abc+dirty", "libjpeg-turbo"
	want.Modules = map[string]string{"gonum.org/v1/gonum": "v0.17.0"}
	if err := run.WriteEnvironment(want); err != nil {
		t.Fatal(err)
	}
	got, err := run.Environment()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResultsRoundTrip(t *testing.T) {
	run := create(t)
	want := runlog.Results{
		Status: runlog.StatusStopped, Epochs: 3, Steps: 120, Seconds: 61.25,
		Rows: []runlog.Row{
			{Name: runlog.RowRawPixels, Metrics: map[string]float64{"recall@1": 0.29}},
			{Name: runlog.RowLast, Epoch: 3, Metrics: map[string]float64{"recall@1": 0.55, "nmi": math.NaN(), "f1": math.Inf(1)}},
		},
		Published: map[string]float64{"recall@1": 0.707}, PublishedSource: "arXiv:2309.09982",
	}
	if err := run.WriteResults(want); err != nil {
		t.Fatal(err)
	}
	got, err := run.Results()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
	put(t, run, "results.json", "{} {}")
	if _, err := run.Results(); err == nil || !strings.Contains(err.Error(), "more follows") {
		t.Errorf("two values: %v", err)
	}
	put(t, run, "results.json", "")
	if _, err := run.Results(); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("empty file: %v", err)
	}
}

func TestPredictionsRoundTrip(t *testing.T) {
	run := create(t)
	want := []runlog.Prediction{
		{
			Index: 3, Name: "a/b.png", Class: "Ж", Label: 2, Uncertainty: 1.23, Correct: true, Ambiguity: "blur", Amount: 0.4,
			Nearest: []runlog.Neighbor{{7, true, 0.5, 2, 0.75}, {8, false, 0.625, math.Inf(1), math.NaN()}},
		},
		{Index: 4, Name: "c.png", Uncertainty: math.NaN()},
	}
	if err := run.WritePredictions(want); err != nil {
		t.Fatal(err)
	}
	got, err := run.Predictions()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Count(get(t, run, "predictions.jsonl"), "\n"); lines != 2 {
		t.Errorf("%d lines, want 2", lines)
	}
	if err := run.WritePredictions(nil); err != nil {
		t.Fatal(err)
	}
	if got, err := run.Predictions(); err != nil || len(got) != 0 {
		t.Errorf("no predictions: %v, %v", got, err)
	}
}

func TestThumbnailRoundTrip(t *testing.T) {
	run := create(t)
	img := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 4)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	for _, index := range []int{0, 42, 123456} {
		if err := run.WriteThumbnail(index, img); err != nil {
			t.Fatal(err)
		}
		got, err := run.Thumbnail(index)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bounds() != img.Bounds() {
			t.Fatalf("bounds %v", got.Bounds())
		}
		for y := range 3 {
			for x := range 5 {
				if color.NRGBAModel.Convert(got.At(x, y)) != img.At(x, y) {
					t.Fatalf("pixel %d, %d is %v, want %v", x, y, got.At(x, y), img.At(x, y))
				}
			}
		}
	}
	for _, name := range []string{"00000", "00042", "123456"} {
		if _, err := os.Stat(run.Path("thumbnails/" + name + ".png")); err != nil {
			t.Error(err)
		}
	}
	defer func() {
		if r := fmt.Sprint(recover()); r != "runlog: thumbnail of index -1" {
			t.Errorf("panic %q", r)
		}
	}()
	_ = run.WriteThumbnail(-1, img)
}

func ExampleCreate() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	run, err := runlog.Create(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := run.WriteConfig(map[string]any{"recipe": "glyphs"}); err != nil {
		fmt.Println(err)
	}
	if err := run.AppendRecord(runlog.Record{Kind: runlog.KindStep, Epoch: 1, Step: 1, Loss: 8.25}); err != nil {
		fmt.Println(err)
	}
	records, err := run.Records()
	fmt.Println(len(records), records[0].Loss, err)
	// Output: 1 8.25 <nil>
}

// A classifier's results have what retrieval's haven't, and retrieval's have none of it in the file.
func TestClassifierRoundTrip(t *testing.T) {
	run := create(t)
	want := runlog.Results{
		Status: runlog.StatusFinished, Epochs: 3, Steps: 120, Seconds: 61.25, BestChosenOn: runlog.ChosenOnHeldOutImages,
		Rows: []runlog.Row{
			{Name: runlog.RowLast, Epoch: 3, Metrics: map[string]float64{"top@1": 0.9, "loss": math.Inf(1), "ece": math.NaN()}},
			{Name: runlog.RowMean, Epoch: 3, Metrics: map[string]float64{"top@1": 0.89, runlog.MetricEpochs: 2}},
		},
		Corrupted: []runlog.Row{{Name: runlog.CorruptedName("noise", 1), Epoch: 3, Metrics: map[string]float64{"top@1": 0.7, "loss": math.NaN()}}},
	}
	if err := run.WriteResults(want); err != nil {
		t.Fatal(err)
	}
	if got, err := run.Results(); err != nil || cmp.Diff(want, got, cmpopts.EquateNaNs()) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(want, got, cmpopts.EquateNaNs()))
	}
	predictions := []runlog.Prediction{
		{Index: 0, Name: "0", Class: "shirt", Label: 6, Uncertainty: 0.5, Top: []runlog.Score{{"coat", 4, 0.75, false}, {"shirt", 6, 0.25, true}}},
		{Index: 1, Name: "1", Class: "coat", Label: 4, Uncertainty: math.NaN(), Top: []runlog.Score{{"coat", 4, math.NaN(), true}}},
		{Index: 2, Name: "2", Class: "coat", Label: 4},
	}
	if err := run.WritePredictions(predictions); err != nil {
		t.Fatal(err)
	}
	if got, err := run.Predictions(); err != nil || cmp.Diff(predictions, got, cmpopts.EquateNaNs()) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(predictions, got, cmpopts.EquateNaNs()))
	}
	for name, want := range map[string]string{
		"results.json":      `"corrupted"`,
		"predictions.jsonl": `"top":[{"class":"coat","label":4,"probability":0.75,"correct":false},{"class":"shirt","label":6,"probability":0.25,"correct":true}]`,
	} {
		if text := get(t, run, name); strings.Count(text, want) != 1 {
			t.Errorf("%s: want %s once in %s", name, want, text)
		}
	}
	want.Corrupted = nil
	if err := run.WriteResults(want); err != nil {
		t.Fatal(err)
	}
	if text := get(t, run, "results.json"); strings.Contains(text, "corrupted") {
		t.Errorf("results.json: %s", text)
	}
}

// What a retrieval run writes stays as it was, byte for byte.
func TestRetrievalFormat(t *testing.T) {
	run := create(t)
	if err := run.WritePredictions([]runlog.Prediction{{Name: "a", Nearest: []runlog.Neighbor{{1, true, 0.5, 2, 0.75}}}, {}}); err != nil {
		t.Fatal(err)
	}
	want := `{"index":0,"name":"a","class":"","label":0,"uncertainty":0,"correct":false,"nearest":[{"index":1,"correct":true,"alpha":0.5,"beta":2,"similarity":0.75}],"ambiguity":"","amount":0}
{"index":0,"name":"","class":"","label":0,"uncertainty":0,"correct":false,"nearest":null,"ambiguity":"","amount":0}
`
	if diff := cmp.Diff(want, get(t, run, "predictions.jsonl")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	for want, metrics := range map[string]map[string]float64{
		runlog.Top1: {"top@1": math.NaN(), "recall@1": 1}, runlog.Recall1: {"recall@1": 0.5, "top@5": 1},
	} {
		if got := runlog.Judge(metrics); got != want {
			t.Errorf("%v: %s, want %s", metrics, got, want)
		}
	}
	if got := runlog.Judge(nil); got != runlog.Recall1 {
		t.Errorf("without metrics: %s", got)
	}
}

func TestCorruption(t *testing.T) {
	for name, want := range map[string]string{
		"noise 1": "noise 1 true", "motion blur 12": "motion blur 12 true", "noise": " 0 false", "noise 0": " 0 false", "noise -1": " 0 false", " 1": " 0 false",
		"noise 01": " 0 false", "": " 0 false", "last epoch": " 0 false",
	} {
		c, strength, ok := runlog.Row{Name: name}.Corruption()
		if got := fmt.Sprint(c, " ", strength, " ", ok); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
