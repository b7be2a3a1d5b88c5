// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"introspection/idml"
	"introspection/idml/uncertainty"
	"introspection/plots"
)

// A MixingHistory is how the uncertainty of pure and of mixed images moved in a training. A cell writes it to a file, others read it.
type MixingHistory struct {
	// Names are those of the mixtures; the first is the pure images.
	Names []string
	// Methods and Lambdas are the mixtures'.
	Methods []string
	Lambdas []float64
	Epochs  []MixingEpoch
}

// A MixingEpoch is the norms ‖u‖ of the images of each mixture after an epoch; before the first, Epoch is 0.
type MixingEpoch struct {
	Epoch int
	Norms [][]float64
}

// A MixingWatch measures mixtures of the same images whenever it is told to.
type MixingWatch struct {
	History  MixingHistory
	mixtures []*Mixture
}

// NewMixingWatch returns a watch of some mixtures, of which the first must be the pure images.
func NewMixingWatch(mixtures ...*Mixture) (*MixingWatch, error) {
	if len(mixtures) == 0 || mixtures[0].Method != "" {
		return nil, fmt.Errorf("nb: a watch of %d mixtures, of which the first isn't pure", len(mixtures))
	}
	w := &MixingWatch{mixtures: mixtures}
	for _, m := range mixtures {
		h := &w.History
		h.Names, h.Methods, h.Lambdas = append(h.Names, m.Name()), append(h.Methods, m.Method), append(h.Lambdas, m.Lambda)
	}
	return w, nil
}

// Measure measures all mixtures after an epoch with the model as it is.
func (w *MixingWatch) Measure(ctx context.Context, epoch int, e *idml.Embedder) error {
	now := MixingEpoch{Epoch: epoch}
	for _, m := range w.mixtures {
		norms, err := m.Norms(ctx, e)
		if err != nil {
			return err
		}
		now.Norms = append(now.Norms, norms)
	}
	w.History.Epochs = append(w.History.Epochs, now)
	return nil
}

// Save writes the history to a file, whose folder it makes.
func (h MixingHistory) Save(path string) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// ReadMixing reads a history that was saved.
func ReadMixing(path string) (h MixingHistory, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return h, fmt.Errorf("nb: reading %s: %w", path, err)
	}
	if len(h.Epochs) == 0 {
		return h, fmt.Errorf("nb: %s has no epoch", path)
	}
	return h, nil
}

// auroc is how often a mixture's ‖u‖ after an epoch is larger than that of a pure image.
func (e MixingEpoch) auroc(mixture int) float64 {
	v, _ := uncertainty.AUROC(e.Norms[mixture], e.Norms[0])
	return v
}

// Movement returns two panels over the epochs: the mean ‖u‖ of the pure images and of the mixtures that are named, and how often that of a mixed image is larger than
// that of a pure one (AUROC). It is an error if a name is none of the history's.
func (h MixingHistory) Movement(names ...string) ([]plots.Panel, error) {
	means := plots.Panel{YLabel: "mean ‖u‖"}
	apart := plots.Panel{YLabel: "AUROC, mixed against pure", Rules: []plots.Rule{{Name: "chance", Y: 0.5}}}
	for _, name := range append([]string{pureName}, names...) {
		at := slices.Index(h.Names, name)
		if at < 0 {
			return nil, fmt.Errorf("nb: no mixture is called %q; there are: %q", name, h.Names)
		}
		mean1, area := plots.Series{Name: name}, plots.Series{Name: name}
		for _, e := range h.Epochs {
			mean1.X, mean1.Y = append(mean1.X, float64(e.Epoch)), append(mean1.Y, mean(e.Norms[at]))
			area.X, area.Y = append(area.X, float64(e.Epoch)), append(area.Y, e.auroc(at))
		}
		means.Series = append(means.Series, mean1)
		if at > 0 {
			apart.Series = append(apart.Series, area)
		}
	}
	return []plots.Panel{means, apart}, nil
}

// ByShare returns a panel for the history's beginning and one for its end: the mean ‖u‖ over the share λ of the image itself, for each method; λ = 1 is the pure images.
func (h MixingHistory) ByShare() []plots.Panel {
	var panels []plots.Panel
	for _, e := range []MixingEpoch{h.Epochs[0], h.Epochs[len(h.Epochs)-1]} {
		p := plots.Panel{YLabel: fmt.Sprintf("mean ‖u‖ after epoch %d", e.Epoch)}
		if e.Epoch == 0 {
			p.YLabel = "mean ‖u‖ before training"
		}
		for _, method := range h.methods() {
			s := plots.Series{Name: method}
			for _, i := range h.byLambda(method) {
				s.X, s.Y = append(s.X, h.Lambdas[i]), append(s.Y, mean(e.Norms[i]))
			}
			p.Series = append(p.Series, s)
		}
		panels = append(panels, p)
	}
	return panels
}

// Half lists the names of the mixtures that are the nearest to λ = 1/2, one of each method.
func (h MixingHistory) Half() (names []string) {
	for _, method := range h.methods() {
		best := -1
		for i, m := range h.Methods {
			if m == method && (best < 0 || math.Abs(h.Lambdas[i]-0.5) < math.Abs(h.Lambdas[best]-0.5)) {
				best = i
			}
		}
		names = append(names, h.Names[best])
	}
	return names
}

// methods lists the methods in the order of their first mixtures.
func (h MixingHistory) methods() (list []string) {
	for _, m := range h.Methods {
		if m != "" && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// byLambda lists the mixtures of a method, and the pure images, by λ.
func (h MixingHistory) byLambda(method string) (list []int) {
	for i, m := range h.Methods {
		if m == method || m == "" {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(i, k int) int {
		if h.Lambdas[i] < h.Lambdas[k] {
			return -1
		}
		return 1
	})
	return list
}

// Table shows, of each mixture, the mean ‖u‖ before and after training, and how well ‖u‖ tells mixed from pure images (AUROC) then.
func (h MixingHistory) Table() { Table(h.table()) }

func (h MixingHistory) table() (heads []string, rows [][]string) {
	first, last := h.Epochs[0], h.Epochs[len(h.Epochs)-1]
	heads = []string{"", "mean ‖u‖ before", "AUROC before", "mean ‖u‖ after", "AUROC after"}
	for i, name := range h.Names {
		row := []string{name, fmt.Sprintf("%.3f", mean(first.Norms[i])), "–", fmt.Sprintf("%.3f", mean(last.Norms[i])), "–"}
		if i > 0 {
			row[2], row[4] = fraction(first.auroc(i)), fraction(last.auroc(i))
		}
		rows = append(rows, row)
	}
	return heads, rows
}

// Verdict says in a sentence whether ‖u‖ knows, at the history's end, that images of a mixture are mixed. The thresholds are ours: from 0.45 to 0.55, AUROC is called chance.
func (h MixingHistory) Verdict(name string) (string, error) {
	at := slices.Index(h.Names, name)
	if at < 1 {
		return "", fmt.Errorf("nb: no mixture is called %q; there are: %q", name, h.Names)
	}
	last := h.Epochs[len(h.Epochs)-1]
	v := last.auroc(at)
	says := "no better than chance"
	switch {
	case v > 0.55:
		says = "above chance: mixed images are the more uncertain ones more often than not"
	case v < 0.45:
		says = "below chance: mixed images have the smaller ‖u‖ more often than not, so that ‖u‖ taken as uncertainty is wrong about them"
	}
	return fmt.Sprintf("%s, after epoch %d: AUROC of ‖u‖ against pure images %.3f, %s.", name, last.Epoch, v, says), nil
}

// Last returns the norms of the mixtures that are named after the last epoch, for a histogram.
func (h MixingHistory) Last(names ...string) (groups []plots.Group) {
	for i, name := range h.Names {
		if slices.Contains(names, name) {
			groups = append(groups, plots.Group{Name: name, Values: h.Epochs[len(h.Epochs)-1].Norms[i]})
		}
	}
	return groups
}
