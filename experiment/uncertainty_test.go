// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/classify"
	"introspection/idml/resnet"
	"introspection/idml/retrieval"
	"introspection/idml/runlog"
	"introspection/idml/uncertainty"
	"introspection/internal/backendtest"
	"introspection/internal/sampletree"
)

// fewGlyphs is glyphTrial with the test images of eight classes, and a study of it.
func fewGlyphs(t *testing.T) *uncertaintyStudy {
	t.Helper()
	tr := glyphTrial(t)
	const n = 160
	var left []int
	for i := n; i < len(tr.task.Split.Test.Examples); i++ {
		left = append(left, i)
	}
	test := tr.task.Split.Test.Without(left)
	tr.task.Split.Test = test
	old := tr.task.test
	tr.task.test = &datasets.Loader{
		Data: test, Order: old.Order, Transform: old.Transform, BatchSize: old.BatchSize, OnBadImage: old.OnBadImage, Seed: old.Seed, Workers: old.Workers,
	}
	return newUncertaintyStudy(tr, BootstrapOptions{Resamples: 40}, Options{})
}

// The table of an untrained network on glyphs has every line, and its values are what plain loops over the embeddings find.
func TestUncertaintyOfGlyphs(t *testing.T) {
	s := fewGlyphs(t)
	if err := s.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	values := map[string]map[string]uncertainty.Estimate{}
	for _, m := range s.report.Measures {
		values[m.Name()] = m.Values
		for _, score := range []string{"norm", "mean-beta", "features", "proxy"} {
			if e, ok := m.Values[score]; !ok || !e.Exists() || e.Low > e.High || m.Quantity != runlog.QuantityArea && (e.Value < -20 || e.Value > 1) {
				t.Errorf("%s of %s is %v", m.Name(), score, e)
			}
		}
	}
	for _, name := range []string{
		"AUROC, wrong R@1", "gain, rejecting wrong R@1", "Spearman, distance to the class’s center", "AUROC, made ambiguous by blend", "Spearman, amount of blur",
		"AUROC, noise 3", "AUROC, occlusion 1", "AUROC, low resolution 2", "AUROC, crop 3", "growth, noise", "growth, crop", "AUROC, another domain", "AUROC, mixed half and half",
	} {
		if values[name] == nil {
			t.Errorf("there is no line %q", name)
		}
	}
	if got := len(s.report.Measures); got != 4+6+6*4+2 {
		t.Errorf("%d lines", got)
	}
	checkAgainstLoops(t, s, values)
	checkDrawn(t, s)
	broken := s.task.Split.Test
	broken = datasets.New("broken", broken.Classes, broken.Examples[:3], func(i int) (*datasets.RGB, error) {
		if i == 1 {
			return nil, fmt.Errorf("image %d is broken", i)
		}
		return s.task.Split.Test.Image(i)
	})
	l := s.loader(broken, datasets.Compose{})
	l.OnBadImage = datasets.SkipBadImage
	if _, err := s.embed(t.Context(), l); err == nil || !strings.Contains(err.Error(), "2 of 3 images could be read") {
		t.Errorf("copies of which one is broken: %v", err)
	}
	if s.report.Images != 160 || s.report.Classes != 8 || !strings.Contains(s.report.Unseen, "ashion") || len(s.report.Reject["norm"].Curve) != rejectPoints {
		t.Errorf("%d images, %d classes, %q", s.report.Images, s.report.Classes, s.report.Unseen)
	}
}

// checkDrawn holds what figures are drawn of against the scores of the test images.
func checkDrawn(t *testing.T, s *uncertaintyStudy) {
	t.Helper()
	r, norms := s.report, s.clean[scoreNorm.Name]
	if r.Over != runlog.OverClasses || len(s.bootstrap.Classes) != 160 {
		t.Errorf("intervals over %s, %d labels", r.Over, len(s.bootstrap.Classes))
	}
	if len(r.Clean) != 160 || !slices.IsSorted(r.Clean) || math.Abs(r.Clean[159]-slices.Max(norms)) > 1e-4 || len(r.Corrupted) != 18 || len(r.Corrupted[17].Values) != 160 {
		t.Errorf("%d clean values, %d corruptions", len(r.Clean), len(r.Corrupted))
	}
	m := r.Mixing
	if len(m.Pairs) != stripPairs || len(m.Lambdas) != stripSteps+1 || m.Lambdas[0] != 0 || m.Lambdas[stripSteps] != 1 {
		t.Fatalf("%d pairs, λ %v", len(m.Pairs), m.Lambdas)
	}
	for _, p := range m.Pairs {
		if s.embedded.Labels[p.First] == s.embedded.Labels[p.Second] {
			t.Errorf("images %d and %d are of one class", p.First, p.Second)
		}
		if first, second := p.Uncertainty[stripSteps], p.Uncertainty[0]; math.Abs(first-norms[p.First]) > 1e-3*first || math.Abs(second-norms[p.Second]) > 1e-3*second {
			t.Errorf("the ends of %d and %d are %v and %v, alone they have %v and %v", p.First, p.Second, first, second, norms[p.First], norms[p.Second])
		}
	}
	p := r.Projection
	if len(p.Points) != 160 || !(p.Explained[0] > p.Explained[1]) || !(p.Divergence > 0) {
		t.Fatalf("%d points, %v of the variance, %v left", len(p.Points), p.Explained, p.Divergence)
	}
	if at := p.Points[33]; at.Index != 33 || at.Label != s.embedded.Labels[33] || at.Class != s.task.Split.Test.Classes[at.Label] || math.Abs(at.Uncertainty-norms[33]) > 1e-4 {
		t.Errorf("a point is %+v", at)
	}
}

// checkAgainstLoops embeds the images again and computes some values by hand.
func checkAgainstLoops(t *testing.T, s *uncertaintyStudy, values map[string]map[string]uncertainty.Estimate) {
	t.Helper()
	embedder, err := idml.NewFeatureEmbedder(s.backend, s.model)
	if err != nil {
		t.Fatal(err)
	}
	embed := func(transform datasets.Transform) *idml.Embedded {
		e, err := embedder.Embed(t.Context(), s.loader(s.task.Split.Test, transform).Epoch(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	clean, blurred := embed(datasets.Compose{}), embed(datasets.Corrupt{Kind: datasets.CorruptBlur, Strength: 2})
	proxies, err := s.model.Values(idml.ProxiesName)
	if err != nil {
		t.Fatal(err)
	}
	n := len(clean.Labels)
	of := func(e *idml.Embedded) map[string][]float64 {
		out := map[string][]float64{}
		for i := range n {
			var near []int // all others by distance
			for j := range n {
				if j != i {
					near = append(near, j)
				}
			}
			slices.SortStableFunc(near, func(a, b int) int {
				return int(math.Copysign(1, apart(e.Semantic.Row(i), clean.Semantic.Row(a))-apart(e.Semantic.Row(i), clean.Semantic.Row(b))))
			})
			beta := 0.0
			for _, j := range near[:betaNeighbors] {
				sum := slices.Clone(e.Uncertainty.Row(i))
				for k, v := range clean.Uncertainty.Row(j) {
					sum[k] += v
				}
				beta += norm(sum) / betaNeighbors
			}
			closest := math.Inf(1)
			for start := 0; start < len(proxies); start += e.Semantic.Cols {
				p := slices.Clone(proxies[start : start+e.Semantic.Cols])
				normalize(p)
				closest = min(closest, apart(e.Semantic.Row(i), p))
			}
			out["norm"] = append(out["norm"], norm(e.Uncertainty.Row(i)))
			out["mean-beta"] = append(out["mean-beta"], beta)
			out["features"] = append(out["features"], -norm(e.Features.Row(i)))
			out["proxy"] = append(out["proxy"], closest)
		}
		return out
	}
	before, after := of(clean), of(blurred)
	for score := range before {
		want, _ := uncertainty.AUROC(after[score], before[score])
		if got := values["AUROC, blur 2"][score].Value; math.Abs(got-want) > 2e-3 { // scores that are nearly equal may change places
			t.Errorf("AUROC of blur 2 of %s is %v, by loops %v", score, got, want)
		}
	}
	r, err := retrieval.Evaluate(t.Context(), s.backend, clean.Semantic, clean.Labels, retrieval.Options{Ks: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(s.report.Right-r.Recall[1]) > 1e-12 {
		t.Errorf("right %v, R@1 %v", s.report.Right, r.Recall[1])
	}
}

// apart is the distance of two rows.
func apart(a, b []float32) float64 {
	d := make([]float32, len(a))
	for k := range d {
		d[k] = a[k] - b[k]
	}
	return norm(d)
}

func TestSummary(t *testing.T) {
	var values []float64
	for k := range 1999 {
		values = append(values, float64((k*7)%1999))
	}
	got := summary(values)
	if len(got) != mostSummarized || got[0] != 0 || got[mostSummarized-1] != 1998 || !slices.IsSorted(got) {
		t.Errorf("%d values from %v to %v", len(got), got[0], got[len(got)-1])
	}
	if got := summary([]float64{2, 1.23456789}); !slices.Equal(got, []float64{1.23457, 2}) {
		t.Errorf("a short list: %v", got)
	}
	if got := spaced(10, 4); !slices.Equal(got, []int{0, 2, 5, 7}) {
		t.Errorf("spaced %v", got)
	}
}

// Images at equal distances are of all classes.
func TestEvenly(t *testing.T) {
	split, err := datasets.Glyphs(datasets.DefaultGlyphs()) // 20 images of each of 84 classes, class by class
	if err != nil {
		t.Fatal(err)
	}
	d := evenly(split.Test, 7)
	var labels []int
	for _, e := range d.Examples {
		labels = append(labels, e.Label)
	}
	if !slices.Equal(labels, []int{0, 12, 24, 36, 48, 60, 72}) {
		t.Errorf("labels %v", labels)
	}
	if evenly(d, 7) != d || evenly(d, 100) != d {
		t.Error("a small dataset is another one")
	}
}

// A uniform score is exactly chance in every AUROC: the norm of the uncertainty of a head that gives the same to all images.
func TestUncertaintyOfNothing(t *testing.T) {
	s := fewGlyphs(t)
	weight, err := s.model.Values("uncertainty.weight")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.model.SetValues("uncertainty.weight", make([]float32, len(weight))); err != nil {
		t.Fatal(err)
	}
	if err := s.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.report.Measures {
		e := m.Values["norm"]
		if m.Quantity == runlog.QuantitySpearman && e.Exists() || m.Quantity != runlog.QuantitySpearman && !(math.Abs(e.Value-m.Chance) < 1e-12) {
			t.Errorf("%s of a constant is %v, chance is %v", m.Name(), e, m.Chance)
		}
	}
	if err := s.model.SetValues("uncertainty.weight", slices.Repeat([]float32{float32(math.NaN())}, len(weight))); err != nil {
		t.Fatal(err)
	}
	if err := s.measure(t.Context()); err == nil || !strings.Contains(err.Error(), "‖u‖ of image 0 is NaN") {
		t.Errorf("a head that gives NaN: %v", err)
	}
}

// A classifier has its largest probability beside the norms, and is wrong where another class is the most probable.
func TestUncertaintyOfClassifier(t *testing.T) {
	data := t.TempDir()
	if err := sampletree.Write(data, "cifar10", sampletree.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	cfg, err := idml.Recipe("cifar10-idml-mixup")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data.Folder, cfg.Data.ImageSize, cfg.Data.BatchSize, cfg.Data.Workers = data, 16, 20, 2
	cfg.Model.Backbone = resnet.Config{Stem: resnet.SmallStem, Block: resnet.Basic, Width: 4, Blocks: []int{1}}
	cfg.Model.EmbeddingSize = 8
	task, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m, err := idml.NewModel(cfg, len(task.Split.Train.Classes))
	if err != nil {
		t.Fatal(err)
	}
	tr := trial{backend: backendtest.Open(t), config: cfg, task: task, model: m}
	s := newUncertaintyStudy(tr, BootstrapOptions{Resamples: 40}, Options{})
	if err := s.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	embedded, result, err := tr.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(s.report.Right-result.Metrics()["top@1"]) > 1e-12 || len(s.report.Measures) != 4+6*4+2 || len(s.report.Scores) != 4 || s.scorer.proxies != nil {
		t.Errorf("%v right of %v, %d lines, scores %v", s.report.Right, result.Metrics()["top@1"], len(s.report.Measures), s.report.Scores)
	}
	var wrong, right []float64
	for i, label := range embedded.Labels {
		top := classify.Top(embedded.Logits.Row(i), 1)[0]
		if top.Label == label {
			right = append(right, 1-top.Probability)
		} else {
			wrong = append(wrong, 1-top.Probability)
		}
	}
	want, ok := uncertainty.AUROC(wrong, right)
	if got := s.report.Measures[0]; !ok || got.Of != "wrong top-1" || math.Abs(got.Values["probability"].Value-want) > 1e-3 {
		t.Errorf("%s of the probability is %v, by hand %v", got.Name(), got.Values["probability"], want)
	}
}

func TestPartners(t *testing.T) {
	labels := []int{0, 0, 0, 1, 1, 2}
	chosen := map[[2]int]int{}
	for seed := range uint64(3000) {
		for i, j := range partners(labels, seed) {
			if labels[i] == labels[j] {
				t.Fatalf("image %d is mixed with %d of its class", i, j)
			}
			chosen[[2]int{i, j}]++
		}
	}
	for j := 3; j < 6; j++ {
		if n := chosen[[2]int{0, j}]; n < 900 || n > 1100 {
			t.Errorf("image 0 is mixed with %d %d times of 3000", j, n)
		}
	}
	if partners([]int{4, 4}, 0) != nil {
		t.Error("partners in one class")
	}
}

func TestMixtures(t *testing.T) {
	d := datasets.New("two", []string{"a", "b"}, []datasets.Example{{Name: "0"}, {Name: "1", Label: 1}}, func(i int) (*datasets.RGB, error) {
		return &datasets.RGB{Width: 1, Height: 1, Pix: [][]uint8{{0, 10, 255}, {255, 11, 255}}[i]}, nil
	})
	img, err := mixtures(d, datasets.Compose{}, halves([]int{1, 0})).Image(0)
	if err != nil || !slices.Equal(img.Pix, []uint8{128, 11, 255}) {
		t.Errorf("%v, %v", img, err)
	}
}

// The gallery's lists are those of sorting, with and without rows left out, over several tiles and where there are fewer rows than asked for.
func TestGallery(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	random := func(n int) retrieval.Matrix {
		m := retrieval.Matrix{Rows: n, Cols: 3}
		for range 3 * n {
			m.Data = append(m.Data, float32(rng.IntN(9))) // whole numbers: exact, with ties
		}
		return m
	}
	rows, queries := random(40), random(galleryTile+30)
	g, err := newGallery(backendtest.Open(t), rows)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for _, k := range []int{1, 8, 50} {
		but := func(i, j int) bool { return j == i%7 }
		lists, err := g.nearest(t.Context(), queries, k, but)
		if err != nil {
			t.Fatal(err)
		}
		for i, list := range lists {
			var want []int
			for j := range rows.Rows {
				if !but(i, j) {
					want = append(want, j)
				}
			}
			slices.SortStableFunc(want, func(a, b int) int {
				da, db := apart(queries.Row(i), rows.Row(a)), apart(queries.Row(i), rows.Row(b))
				switch {
				case da < db:
					return -1
				case da > db:
					return 1
				}
				return 0
			})
			if want = want[:min(k, len(want))]; !slices.Equal(list, want) {
				t.Fatalf("k = %d: the nearest of row %d are %v, want %v", k, i, list, want)
			}
		}
	}
}
