// SPDX-License-Identifier: Apache-2.0

package idml

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The defaults are the settings that the paper's table was made with, and build the loss of that name with nothing left at another value.
func TestDefaultLosses(t *testing.T) {
	want := map[string]Loss{
		"contrastive":      Contrastive{PositiveMargin: 0, Margin: 0.5},
		"triplet":          Triplet{Margin: 0.1},
		"margin":           Margin{Margin: 0.2, Boundary: 1.2, Cutoff: 0.5, FarCutoff: 1.4},
		"multi-similarity": MultiSimilarity{PositiveScale: 2, Scale: 50, Base: 0.5, Epsilon: 0.1},
		"fastap":           FastAP{Bins: 10},
		"proxy-nca":        ProxyNCA{Scale: 32},
		"proxy-anchor":     ProxyAnchor{Scale: 32, Margin: 0.1},
	}
	got := map[string]Loss{}
	for _, name := range LossNames() {
		c, err := DefaultLoss(name)
		if err != nil {
			t.Fatal(err)
		}
		if got[name], err = NewLoss(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := DefaultLoss("softmax"); err == nil || !strings.Contains(err.Error(), "multi-similarity, proxy-anchor") {
		t.Errorf("unknown loss: %v", err)
	}
}

func TestNewLossFaults(t *testing.T) {
	for _, test := range []struct {
		loss, want string
		change     func(*LossConfig)
	}{
		{"proxy-anchor", `loss.name is "ProxyAnchor", want one of triplet, proxy-nca, fastap, contrastive, margin, multi-similarity, proxy-anchor`, func(c *LossConfig) { c.Name = "ProxyAnchor" }},
		{"proxy-anchor", "loss.bins is 10, want 0: proxy-anchor has no such setting, only scale, margin", func(c *LossConfig) { c.Bins = 10 }},
		{"proxy-anchor", "loss.scale is 32, want 0: triplet has no such setting, only margin", func(c *LossConfig) { c.Name = "triplet" }},
		{"fastap", "loss.margin is -1, want 0", func(c *LossConfig) { c.Margin = -1 }},
		{"triplet", "loss.margin is 0, want above 0", func(c *LossConfig) { c.Margin = 0 }},
		{"contrastive", "loss.margin is 0, want above 0", func(c *LossConfig) { c.Margin = 0 }},
		{"contrastive", "loss.positive_margin is -1, want 0 or more", func(c *LossConfig) { c.PositiveMargin = -1 }},
		{"margin", "loss.boundary is 0, want above 0", func(c *LossConfig) { c.Boundary = 0 }},
		{"margin", "loss.cutoff is 0, want above 0", func(c *LossConfig) { c.Cutoff = 0 }},
		{"margin", "loss.far_cutoff is 0.5, want above loss.cutoff and at most 2", func(c *LossConfig) { c.FarCutoff = c.Cutoff }},
		{"margin", "loss.far_cutoff is 2.1", func(c *LossConfig) { c.FarCutoff = 2.1 }},
		{"multi-similarity", "loss.scale is 0", func(c *LossConfig) { c.Scale = 0 }},
		{"multi-similarity", "loss.positive_scale is 0", func(c *LossConfig) { c.PositiveScale = 0 }},
		{"multi-similarity", "loss.epsilon is -0.1", func(c *LossConfig) { c.Epsilon = -0.1 }},
		{"proxy-nca", "loss.scale is -1", func(c *LossConfig) { c.Scale = -1 }},
		{"fastap", "loss.bins is 0, want at least 1", func(c *LossConfig) { c.Bins = 0 }},
	} {
		c, err := DefaultLoss(test.loss)
		if err != nil {
			t.Fatal(err)
		}
		test.change(&c)
		if _, err := NewLoss(c); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", c, err, test.want)
		}
	}
}

// Losses tells for each what NewLoss builds, with all of its settings; the released forms exist for two.
func TestLossInfo(t *testing.T) {
	released := 0
	for i, info := range Losses() {
		c, err := DefaultLoss(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewLoss(c)
		if err != nil || info.Name != LossNames()[i] || info.Proxies != l.HasProxies() || info.Title == "" || info.Paper == "" {
			t.Errorf("%+v, %v", info, err)
		}
		var given []Setting
		for _, s := range c.settings() {
			if s.Value != 0 || s.Name == "positive_margin" && info.Name == "contrastive" {
				given = append(given, s)
			}
		}
		if diff := cmp.Diff(given, info.Settings); diff != "" {
			t.Errorf("%s: settings (-default +told):\n%s", info.Name, diff)
		}
		if slices.Contains(info.Forms, Released) && slices.Contains(info.Forms, ReleasedRaw) {
			released++
		}
		if slices.Contains(info.Forms, Released) != info.Proxies || !slices.Contains(info.Forms, Plain) || !slices.Contains(info.Forms, Constant) || !slices.Contains(info.Forms, Paper) {
			t.Errorf("%s: forms %v", info.Name, info.Forms)
		}
	}
	if released != 2 {
		t.Errorf("the released forms exist for %d losses, want 2", released)
	}
}

// A configuration is valid for a loss in exactly the forms that exist for it; the fault names both settings.
func TestValidateForms(t *testing.T) {
	for _, info := range Losses() {
		for _, form := range Forms {
			c := DefaultConfig()
			if err := c.UseLoss(info.Name); err != nil {
				t.Fatal(err)
			}
			c.Metric.Form = form
			err := c.Validate()
			if slices.Contains(info.Forms, form) != (err == nil) {
				t.Errorf("%s, %s: %v", info.Name, form, err)
			}
			if err != nil && (!strings.Contains(err.Error(), `metric.form is "`+string(form)+`"`) || !strings.Contains(err.Error(), `loss.name is "`+info.Name+`"`)) {
				t.Errorf("%s, %s: the fault is %v", info.Name, form, err)
			}
		}
	}
}

// UseLoss changes the loss alone, but for batches by class where the loss compares images with each other on a dataset of many classes.
func TestUseLoss(t *testing.T) {
	for _, test := range []struct {
		recipe, loss string
		given, want  int
	}{
		{"cub", "triplet", 0, 4},
		{"sop", "fastap", 0, 4},
		{"glyphs", "margin", 0, 4},
		{"glyphs", "margin", 6, 6},
		{"fashion", "triplet", 0, 0},
		{"folder", "contrastive", 0, 0},
		{"cars", "proxy-nca", 0, 0},
		{"cars", "proxy-nca", 2, 2},
	} {
		got, err := Recipe(test.recipe)
		if err != nil {
			t.Fatal(err)
		}
		got.Metric.Form, got.Data.ImagesPerClass = Plain, test.given
		want := got
		if want.Loss, err = DefaultLoss(test.loss); err != nil {
			t.Fatal(err)
		}
		want.Data.ImagesPerClass = test.want
		if err := got.UseLoss(test.loss); err != nil || got.Validate() != nil {
			t.Errorf("%s: %v, %v", test.loss, err, got.Validate())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test, diff)
		}
	}
	c := Glyphs()
	if err := c.UseLoss("softmax"); err == nil || cmp.Diff(Glyphs(), c) != "" {
		t.Errorf("an unknown loss: %v, and leaves %+v", err, c.Loss)
	}
}
