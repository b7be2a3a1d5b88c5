// SPDX-License-Identifier: Apache-2.0

package experiment_test

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/internal/backendtest"
	"introspection/internal/sampletree"
)

// tinyClassifier trains on a small archive of CIFAR-10's format, of 8 classes, in seconds.
func tinyClassifier(t *testing.T) idml.Config {
	t.Helper()
	data := t.TempDir()
	if err := sampletree.Write(data, "cifar10", sampletree.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	c, err := idml.Recipe("cifar10-idml-mixup")
	if err != nil {
		t.Fatal(err)
	}
	c.Data.Folder, c.Data.ImageSize, c.Data.BatchSize, c.Data.Workers, c.Epochs = data, 16, 20, 2, 7
	c.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Basic, Width: 4, Blocks: []int{1}}
	c.Model.EmbeddingSize = 8
	return c
}

// A classification leaves what a run of retrieval leaves, judged by top-1 accuracy: rows of both baselines, of the last and the best epoch and of the
// mean of the last ones, corrupted images, predictions of classes, a report, and embeddings to search in.
func TestTrainClassifier(t *testing.T) {
	cfg, dir, backend := tinyClassifier(t), filepath.Join(t.TempDir(), "run"), backendtest.Open(t)
	results, err := experiment.Train(t.Context(), backend, cfg, dir, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := func(rows []runlog.Row) (list []string) {
		for _, r := range rows {
			list = append(list, r.Name)
		}
		return list
	}
	want := []string{runlog.RowRawPixels, runlog.RowUntrained, runlog.RowLast, runlog.RowBest, runlog.RowMean}
	if diff := cmp.Diff(want, names(results.Rows)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := names(results.Corrupted); len(got) != 9 || got[0] != "noise 1" || got[8] != "brightness 3" || results.BestChosenOn != runlog.ChosenOnTestImages {
		t.Errorf("corrupted rows %q, chosen on %s", got, results.BestChosenOn)
	}
	evaluations, steps := measured(t, dir)
	if len(steps) != 7*3 { // 48 images in batches of 20
		t.Errorf("%d steps, want 21", len(steps))
	}
	last := evaluations[len(evaluations)-5:]
	for metric, got := range results.Rows[4].Metrics {
		if metric == runlog.MetricEpochs {
			continue
		}
		sum := 0.0
		for _, e := range last {
			sum += e.Metrics[metric]
		}
		if math.Abs(got-sum/5) > 1e-12 {
			t.Errorf("mean of the last epochs: %s is %v, want %v", metric, got, sum/5)
		}
	}
	if diff := cmp.Diff(last[4].Metrics, results.Rows[2].Metrics); diff != "" {
		t.Errorf("the last epoch (-evaluated +measured):\n%s", diff)
	}
	if _, ok := results.Rows[0].Metrics["loss"]; ok {
		t.Error("raw pixels have a loss")
	}
	checkPredictedClasses(t, dir, results)
	if _, err := experiment.Report(dir); err != nil {
		t.Error(err)
	}
	again, err := experiment.Evaluate(t.Context(), backend, dir, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results.Rows[2].Metrics, again.Metrics()); diff != "" {
		t.Errorf("measured again (-first +second):\n%s", diff)
	}
	index, err := experiment.Embed(t.Context(), backend, dir, experiment.EmbedOptions{Split: "test", OnBadImage: datasets.StopOnBadImage}, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range index.Semantic.Rows {
		sum := 0.0
		for _, v := range index.Semantic.Row(i) {
			sum += float64(v) * float64(v)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Fatalf("embedding %d has length %v", i, math.Sqrt(sum))
		}
	}
	checkClassifierSearch(t, dir, index)
}

// checkClassifierSearch finds an image of the index's own by its file: it is nearest to itself.
func checkClassifierSearch(t *testing.T, dir string, index *experiment.Index) {
	t.Helper()
	var file, picture bytes.Buffer
	if err := index.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := experiment.ReadIndex(&file)
	if err != nil {
		t.Fatal(err)
	}
	var cfg idml.Config
	if err := openRun(t, dir).ReadConfig(&cfg); err != nil {
		t.Fatal(err)
	}
	split, err := datasets.CIFAR10(os.DirFS(cfg.Data.Folder))
	if err != nil {
		t.Fatal(err)
	}
	img, err := split.Test.Image(7)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&picture, img.Image()); err != nil {
		t.Fatal(err)
	}
	query := filepath.Join(t.TempDir(), "query.png")
	writeFile(t, query, picture.Bytes())
	found, err := experiment.Search(t.Context(), backendtest.Open(t), dir, read, query, 3, experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if hit := found.Nearest[0]; len(found.Nearest) != 3 || hit.Path != split.Test.Examples[7].Name || !(hit.Alpha < 1e-3) || math.Abs(hit.Beta-2*found.Uncertainty) > 1e-4*(1+hit.Beta) {
		t.Errorf("found %+v", found)
	}
}

// checkPredictedClasses holds the predictions against the results.
func checkPredictedClasses(t *testing.T, dir string, results *runlog.Results) {
	t.Helper()
	predictions, err := openRun(t, dir).Predictions()
	if err != nil {
		t.Fatal(err)
	}
	hits := 0
	for i, p := range predictions {
		sum := 0.0
		for k, s := range p.Top {
			sum += s.Probability
			if s.Correct != (s.Class == p.Class) || s.Correct != (s.Label == p.Label) || k > 0 && s.Probability > p.Top[k-1].Probability {
				t.Errorf("prediction %d: %+v", i, p)
			}
		}
		if len(p.Top) != 5 || sum > 1+1e-9 || p.Correct != p.Top[0].Correct || len(p.Nearest) > 0 || !(p.Uncertainty >= 0) {
			t.Errorf("prediction %d: %+v", i, p)
		}
		if p.Correct {
			hits++
		}
	}
	if got, want := float64(hits)/float64(len(predictions)), results.Rows[2].Metrics["top@1"]; len(predictions) != 48 || got != want {
		t.Errorf("%v of %d predictions are right, top-1 accuracy is %v", got, len(predictions), want)
	}
}

// The baseline of raw pixels is the nearest mean of a class, worked out here by plain loops.
func TestClassMeansAgainstNaive(t *testing.T) {
	cfg := tinyClassifier(t)
	cfg.Epochs, cfg.Data.ImageSize = 1, 32
	results, err := experiment.Train(t.Context(), backendtest.Open(t), cfg, filepath.Join(t.TempDir(), "run"), experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	split, err := datasets.CIFAR10(os.DirFS(cfg.Data.Folder))
	if err != nil {
		t.Fatal(err)
	}
	pixels := func(d *datasets.Dataset, i int) []uint8 {
		img, err := d.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		return img.Pix
	}
	const size = 32 * 32 * 3
	means, count := make([][size]float64, 10), make([]float64, 10)
	for i, e := range split.Train.Examples {
		for k, v := range pixels(split.Train, i) {
			means[e.Label][k] += float64(v)
		}
		count[e.Label]++
	}
	hits := 0
	for i, e := range split.Test.Examples {
		nearest, least := -1, math.Inf(1)
		for label := range means {
			d := 0.0
			for k, v := range pixels(split.Test, i) {
				d += math.Pow(float64(v)-means[label][k]/max(count[label], 1), 2)
			}
			if d < least {
				nearest, least = label, d
			}
		}
		if nearest == e.Label {
			hits++
		}
	}
	if got, want := results.Rows[0].Metrics["top@1"], float64(hits)/48; got != want {
		t.Errorf("raw pixels: top-1 accuracy %v, want %v", got, want)
	}
}

// With data.validation, images of each class are held out, the best epoch is chosen on them, and there is no mean of epochs, which would be of them.
func TestClassifierHoldsOutImages(t *testing.T) {
	cfg := tinyClassifier(t)
	cfg.Epochs, cfg.Data.Validation = 1, 0.3
	task, err := experiment.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(task.Split.Train.Examples); n != 8*4 || len(task.Split.Train.Classes) != 10 {
		t.Errorf("%d images of %d classes to train, want 32 of 10", n, len(task.Split.Train.Classes))
	}
	results, err := experiment.Train(t.Context(), backendtest.Open(t), cfg, filepath.Join(t.TempDir(), "run"), experiment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if results.BestChosenOn != runlog.ChosenOnHeldOutImages || slices.ContainsFunc(results.Rows, func(r runlog.Row) bool { return r.Name == runlog.RowMean }) {
		t.Errorf("results %+v", results)
	}
}

func TestOpenClassifierFaults(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*idml.Config)
		want   string
	}{
		"retrieval's images":  {func(c *idml.Config) { c.Data.Name = "glyphs" }, `data.name is "glyphs", want for task classification one of [fashion cifar10 cifar100 imagenet]`},
		"no folder":           {func(c *idml.Config) { c.Data.Folder = "" }, "data.folder is empty"},
		"another archive":     {func(c *idml.Config) { c.Data.Name = "cifar100" }, "cifar-100-binary"},
		"a last batch of one": {func(c *idml.Config) { c.Data.BatchSize = 47 }, "the last batch of 48 training images in batches of 47 has one image"},
		"no ImageNet":         {func(c *idml.Config) { c.Data.Name = "imagenet" }, "imagenet-1k"},
	} {
		c := tinyClassifier(t)
		test.change(&c)
		if _, err := experiment.Open(c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
