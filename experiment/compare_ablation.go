// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"slices"
	"strings"

	"introspection/idml"
)

// An Ablation is the way from one loss to its introspective form, in the four steps of [AblationArms].
type Ablation struct {
	// Loss names the loss and the other settings that tell its rows from those of other ablations.
	Loss  string
	Steps []AblationStep
}

// An AblationStep is a row of an ablation.
type AblationStep struct {
	Title string
	// Group is the setting that is compared, nil if there is no run of it.
	Group *Group
	// Differences are those from the step before, one for each R@K; none for the first step and where a run of either is missing.
	Differences []Difference
}

// Ablations finds the steps of every loss among the groups, by their settings: whatever has mixup tells what its first step, without mixup for twice the epochs,
// must be. A loss with fewer than two of the steps is left out.
func (c *Comparison) Ablations(o BootstrapOptions) ([]Ablation, error) {
	var bases []idml.Config
	for _, g := range c.Groups {
		if g.Baseline || !g.config.Mixing.Mixes() || c.Task == idml.Classification { // whose losses don't differ
			continue
		}
		base := g.config
		base.Metric.Form = idml.Plain
		if !slices.ContainsFunc(bases, func(b idml.Config) bool { return c.sameSetting(b, base) }) {
			bases = append(bases, base)
		}
	}
	var list []Ablation
	for _, base := range bases {
		a, err := c.ablation(base, o)
		if err != nil {
			return nil, err
		}
		if a.found() >= 2 {
			list = append(list, a)
		}
	}
	return list, nil
}

func (a Ablation) found() (n int) {
	for _, s := range a.Steps {
		if s.Group != nil {
			n++
		}
	}
	return n
}

// Missing lists the titles of the steps of which there is no run.
func (a Ablation) Missing() (titles []string) {
	for _, s := range a.Steps {
		if s.Group == nil {
			titles = append(titles, s.Title)
		}
	}
	return titles
}

// ablation finds the steps of one loss, whose second is base.
func (c *Comparison) ablation(base idml.Config, o BootstrapOptions) (Ablation, error) {
	var a Ablation
	for i, arm := range AblationArms(base) {
		step := AblationStep{Title: arm.Title, Group: c.withConfig(arm.Config)}
		if i > 0 && step.Group != nil && a.Steps[i-1].Group != nil {
			var err error
			if step.Differences, err = c.Differences([]Pair{{step.Group.Name, a.Steps[i-1].Group.Name}}, o); err != nil {
				return a, err
			}
		}
		a.Steps = append(a.Steps, step)
	}
	a.Loss = c.lossName(base)
	return a, nil
}

// withConfig returns the group of a setting, nil if there is none.
func (c *Comparison) withConfig(cfg idml.Config) *Group {
	for i := range c.Groups {
		if g := &c.Groups[i]; !g.Baseline && c.sameSetting(g.config, cfg) {
			return g
		}
	}
	return nil
}

// lossName names what the steps with mixup have in common: the name of any of them without the form and mixup.
func (c *Comparison) lossName(base idml.Config) string {
	for _, g := range c.Groups {
		same := g.config
		same.Metric.Form = idml.Plain
		if g.Baseline || !g.config.Mixing.Mixes() || !c.sameSetting(same, base) {
			continue
		}
		_, rest, more := strings.Cut(g.Name, ", ")
		if more {
			return base.Loss.Name + ", " + rest
		}
	}
	return base.Loss.Name
}
