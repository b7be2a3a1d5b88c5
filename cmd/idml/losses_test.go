// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"introspection/idml"
)

// Each loss is listed with its paper and settings, and can be trained in the forms that the list gives its kind.
func TestLosses(t *testing.T) {
	printed := succeed(t, "losses")
	for _, l := range idml.Losses() {
		for _, text := range append([]string{"\n" + l.Name + " ", l.Paper}, strings.Fields(settingsText(l.Settings))...) {
			if !strings.Contains("\n"+printed, text) {
				t.Errorf("%s: the list lacks %q:\n%s", l.Name, text, printed)
			}
		}
		for _, form := range idml.Forms {
			_, stderr, status := program(t, "train", "--print-config", "--recipe", "glyphs", "--loss", l.Name, "--metric", string(form))
			if want := l.Proxies || !form.ForProxiesOnly(); (status == exitOK) != want {
				t.Errorf("%s, %s: status %d, %s", l.Name, form, status, stderr)
			}
		}
	}
}

// --loss sets the whole loss before --set changes parts of it, wherever they stand; --mixup and --metric are settings by another name.
func TestTrainLossOptions(t *testing.T) {
	for _, test := range []struct {
		args string
		want func(*idml.Config)
	}{
		{"--loss triplet --metric plain", func(c *idml.Config) {
			c.Loss, c.Metric.Form, c.Data.ImagesPerClass = idml.LossConfig{Name: "triplet", Margin: 0.1}, idml.Plain, 4
		}},
		{"--set loss.margin=0.3 --metric paper --loss triplet --set data.images_per_class=2", func(c *idml.Config) {
			c.Loss, c.Metric.Form, c.Data.ImagesPerClass = idml.LossConfig{Name: "triplet", Margin: 0.3}, idml.Paper, 2
		}},
		{"--loss proxy-nca", func(c *idml.Config) { c.Loss = idml.LossConfig{Name: "proxy-nca", Scale: 32} }},
		{"--mixup=false", func(c *idml.Config) { c.Mixing.Method = idml.NoMixing }},
		{"--mixup=false --mixup", func(c *idml.Config) { c.Mixing.Method = idml.Mixup }},
		{"--metric constant --mixup", func(c *idml.Config) { c.Metric.Form = idml.Constant }},
	} {
		printed := succeed(t, append([]string{"train", "--print-config", "--recipe", "glyphs"}, strings.Fields(test.args)...)...)
		var got idml.Config
		if err := json.Unmarshal([]byte(printed), &got); err != nil {
			t.Fatal(err)
		}
		want := idml.Glyphs()
		test.want(&want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.args, diff)
		}
	}
	for args, want := range map[string]struct {
		status int
		text   string
	}{
		"--recipe glyphs --loss softmax":                         {exitUsage, "multi-similarity, proxy-anchor"},
		"--recipe glyphs --loss triplet":                         {exitError, `metric.form is "released"`},
		"--recipe glyphs --mixup=maybe":                          {exitUsage, "want true or false"},
		"--recipe glyphs --set loss.name=triplet":                {exitError, "loss.scale is 32, want 0: triplet has no such setting"},
		"--resume run --loss triplet":                            {exitUsage, "--resume"},
		"--resume run --mixup":                                   {exitUsage, "--resume"},
		"--recipe glyphs --loss fastap --set metric.form=figure": {exitError, "metric.form"},
	} {
		_, stderr, status := program(t, append([]string{"train", "--print-config"}, strings.Fields(args)...)...)
		if status != want.status || !strings.Contains(stderr, want.text) {
			t.Errorf("%s: status %d, %q; want %d, %q", args, status, stderr, want.status, want.text)
		}
	}
}
