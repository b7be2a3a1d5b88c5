// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LossConfig names the loss and its settings. [Losses] tells which of them a loss uses, the type of the loss what they mean; the others are 0.
// [DefaultLoss] has the values of each.
type LossConfig struct {
	// Name is one of LossNames.
	Name string `json:"name"`
	// Scale multiplies what is compared with a proxy (proxy-anchor: α, proxy-nca: σ), or the similarity of images of two classes
	// (multi-similarity: β), and PositiveScale that of images of a class (multi-similarity: α).
	Scale         float64 `json:"scale"`
	PositiveScale float64 `json:"positive_scale"`
	// Margin is by how much images of a class and of two should differ (proxy-anchor: δ, triplet, margin), or how far apart those of two classes should
	// be (contrastive), which pulls those of a class until they are nearer than PositiveMargin.
	Margin         float64 `json:"margin"`
	PositiveMargin float64 `json:"positive_margin"`
	// Boundary is the distance that parts images of a class from those of two (margin: β).
	Boundary float64 `json:"boundary"`
	// Cutoff and FarCutoff bound the distances of sampled negatives (margin).
	Cutoff    float64 `json:"cutoff"`
	FarCutoff float64 `json:"far_cutoff"`
	// Base is the similarity that parts images of a class from those of two, Epsilon the slack of the miner (multi-similarity: λ, ε).
	Base    float64 `json:"base"`
	Epsilon float64 `json:"epsilon"`
	// Bins is the number of bins of a histogram of distances (fastap).
	Bins int `json:"bins"`
	// Smoothing is the share of the labels that is spread over all classes (cross-entropy).
	Smoothing float64 `json:"smoothing"`
}

// Setting is a setting of a loss: its name in config.json, under "loss", and its value.
type Setting struct {
	Name  string
	Value float64
}

// settings lists all settings, in the order of config.json.
func (c LossConfig) settings() []Setting {
	return []Setting{
		{"scale", c.Scale},
		{"positive_scale", c.PositiveScale},
		{"margin", c.Margin},
		{"positive_margin", c.PositiveMargin},
		{"boundary", c.Boundary},
		{"cutoff", c.Cutoff},
		{"far_cutoff", c.FarCutoff},
		{"base", c.Base},
		{"epsilon", c.Epsilon},
		{"bins", float64(c.Bins)},
		{"smoothing", c.Smoothing},
	}
}

// LossInfo tells of a loss.
type LossInfo struct {
	// Name is its name in config.json, Title the paper's, Paper where it was published.
	Name, Title, Paper string
	// Proxies is true if it compares images with proxies of the classes, false if it compares them with each other.
	Proxies bool
	// Forms are the forms of the metric that exist for it.
	Forms []Form
	// Settings are those that it uses, with the values of DefaultLoss.
	Settings []Setting
}

// A lossEntry is a line of the table of losses. The loss uses the settings that are named; build takes them from the configuration.
type lossEntry struct {
	title, paper string
	defaults     LossConfig
	uses         []string
	build        func(LossConfig) checkedLoss
}

// A checkedLoss can tell the faults of its settings.
type checkedLoss interface {
	Loss
	validate() error
}

// forms lists the forms of the metric that exist for the loss.
func (e lossEntry) forms() []Form {
	if e.defaults.Name == CrossEntropyName {
		return LogitForms
	}
	proxies := e.build(e.defaults).HasProxies()
	return slices.DeleteFunc(slices.Clone(Forms), func(f Form) bool { return f.ForProxiesOnly() && !proxies })
}

// crossEntropy is the loss of classification, which is none of the paper's seven.
var crossEntropy = lossEntry{
	"Cross-entropy", "",
	LossConfig{Name: CrossEntropyName},
	[]string{"smoothing"},
	func(c LossConfig) checkedLoss { return CrossEntropy{Smoothing: c.Smoothing} },
}

// losses is the table of the losses of retrieval, in the order of the paper's.
var losses = []lossEntry{
	{
		"Triplet, semi-hard", "FaceNet, arXiv:1503.03832",
		LossConfig{Name: "triplet", Margin: TripletMargin},
		[]string{"margin"},
		func(c LossConfig) checkedLoss { return Triplet{Margin: c.Margin} },
	},
	{
		"ProxyNCA", "No Fuss Distance Metric Learning using Proxies, arXiv:1703.07464",
		LossConfig{Name: "proxy-nca", Scale: ProxyNCAScale},
		[]string{"scale"},
		func(c LossConfig) checkedLoss { return ProxyNCA{Scale: c.Scale} },
	},
	{
		"FastAP", "Deep Metric Learning to Rank, CVPR 2019",
		LossConfig{Name: "fastap", Bins: FastAPBins},
		[]string{"bins"},
		func(c LossConfig) checkedLoss { return FastAP{Bins: c.Bins} },
	},
	{
		"Contrastive", "Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006",
		LossConfig{Name: "contrastive", Margin: ContrastiveMargin, PositiveMargin: ContrastivePositiveMargin},
		[]string{"margin", "positive_margin"},
		func(c LossConfig) checkedLoss { return Contrastive{PositiveMargin: c.PositiveMargin, Margin: c.Margin} },
	},
	{
		"Margin, distance-weighted", "Sampling Matters in Deep Embedding Learning, arXiv:1706.07567",
		LossConfig{Name: "margin", Margin: MarginMargin, Boundary: MarginBoundary, Cutoff: MarginCutoff, FarCutoff: MarginFarCutoff},
		[]string{"margin", "boundary", "cutoff", "far_cutoff"},
		func(c LossConfig) checkedLoss {
			return Margin{Margin: c.Margin, Boundary: c.Boundary, Cutoff: c.Cutoff, FarCutoff: c.FarCutoff}
		},
	},
	{
		"Multi-Similarity", "Multi-Similarity Loss with General Pair Weighting, arXiv:1904.06627",
		LossConfig{
			Name: "multi-similarity", PositiveScale: MultiSimilarityPositiveScale, Scale: MultiSimilarityScale, Base: MultiSimilarityBase,
			Epsilon: MultiSimilarityEpsilon,
		},
		[]string{"scale", "positive_scale", "base", "epsilon"},
		func(c LossConfig) checkedLoss {
			return MultiSimilarity{PositiveScale: c.PositiveScale, Scale: c.Scale, Base: c.Base, Epsilon: c.Epsilon}
		},
	},
	{
		"ProxyAnchor", "Proxy Anchor Loss for Deep Metric Learning, arXiv:2003.13911",
		LossConfig{Name: "proxy-anchor", Scale: ProxyAnchorScale, Margin: ProxyAnchorMargin},
		[]string{"scale", "margin"},
		func(c LossConfig) checkedLoss { return ProxyAnchor{Scale: c.Scale, Margin: c.Margin} },
	},
}

// findLoss returns a line of the table, or an error that lists the names.
func findLoss(name string) (lossEntry, error) {
	if name == CrossEntropyName {
		return crossEntropy, nil
	}
	i := slices.IndexFunc(losses, func(e lossEntry) bool { return e.defaults.Name == name })
	if i < 0 {
		return lossEntry{}, fmt.Errorf("loss.name is %q, want one of %s", name, strings.Join(LossNames(), ", "))
	}
	return losses[i], nil
}

// LossNames lists the names of the losses of retrieval, in the order of the paper's table.
func LossNames() (names []string) {
	for _, e := range losses {
		names = append(names, e.defaults.Name)
	}
	return names
}

// Losses tells of all losses of retrieval, in the order of the paper's table.
func Losses() (list []LossInfo) {
	for _, e := range losses {
		info := LossInfo{Name: e.defaults.Name, Title: e.title, Paper: e.paper, Proxies: e.build(e.defaults).HasProxies(), Forms: e.forms()}
		for _, s := range e.defaults.settings() {
			if slices.Contains(e.uses, s.Name) {
				info.Settings = append(info.Settings, s)
			}
		}
		list = append(list, info)
	}
	return list
}

// DefaultLoss returns the settings of the named loss that the paper's table was made with, or an error that lists the names.
func DefaultLoss(name string) (LossConfig, error) {
	e, err := findLoss(name)
	return e.defaults, err
}

// NewLoss returns the loss that the settings name, or an error: an unknown name, settings that don't fit, settings of other losses.
func NewLoss(c LossConfig) (Loss, error) {
	e, err := findLoss(c.Name)
	if err != nil {
		return nil, err
	}
	l := e.build(c)
	faults := []error{l.validate()}
	for _, s := range c.settings() {
		if s.Value != 0 && !slices.Contains(e.uses, s.Name) {
			faults = append(faults, fmt.Errorf("loss.%s is %v, want 0: %s has no such setting, only %s", s.Name, s.Value, c.Name, strings.Join(e.uses, ", ")))
		}
	}
	return l, errors.Join(faults...)
}

// checkForm returns an error if the loss, of a known name, can't be had in the form.
func (c LossConfig) checkForm(form Form) error {
	e, err := findLoss(c.Name)
	if err != nil || slices.Contains(e.forms(), form) {
		return nil // NewLoss tells of an unknown name
	}
	why := "which exists only for classification"
	switch {
	case c.Name == CrossEntropyName:
		why = "which is none of classification"
	case form.ForProxiesOnly():
		why = fmt.Sprintf("which exists only for losses with proxies, and loss.name is %q, which compares images with each other", c.Name)
	}
	return fmt.Errorf("metric.form is %q, %s: choose one of %v", form, why, e.forms())
}
