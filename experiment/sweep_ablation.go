// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"

	"introspection/idml"
)

// An AblationArm is a step of the way from a loss alone to its introspective form.
type AblationArm struct {
	// Label is the arm's name in a sweep's folders, Title what a table calls it.
	Label, Title string
	Config       idml.Config
}

// AblationArms returns the four steps, each with one thing more than the one before, from a configuration whose form of the metric and mixing don't matter:
//
//	equal compute   the plain loss without mixup for twice the epochs, since a step with mixup trains on twice the images. Warm-up and the epochs
//	                between two falls of the learning rate and two evaluations are doubled, too, so that the schedule is the same, stretched.
//	mixup           the plain loss with mixup
//	constant        a factor that reshapes distances and knows nothing of the single image: Released for losses with proxies, else Constant
//	introspective   Paper
//
// All but the first take as many steps as the configuration says.
func AblationArms(cfg idml.Config) []AblationArm {
	mixed := func(form idml.Form) idml.Config {
		c := cfg
		c.Metric.Form, c.Mixing.Method = form, idml.Mixup
		return c
	}
	alone := mixed(idml.Plain)
	alone.Mixing.Method = idml.NoMixing
	alone.Optimizer.DecayAt = make([]int, len(cfg.Optimizer.DecayAt))
	for i, at := range cfg.Optimizer.DecayAt {
		alone.Optimizer.DecayAt[i] = 2 * at
	}
	alone.Epochs, alone.WarmupEpochs, alone.EvaluateEvery, alone.Optimizer.DecayEvery = 2*alone.Epochs, 2*alone.WarmupEpochs, 2*alone.EvaluateEvery, 2*alone.Optimizer.DecayEvery
	constant := idml.Constant
	if loss, err := idml.NewLoss(cfg.Loss); err == nil && loss.HasProxies() {
		constant = idml.Released
	}
	return []AblationArm{
		{"equal-compute", "loss at equal compute", alone},
		{"mixup", "+ mixup", mixed(idml.Plain)},
		{"constant", "+ constant factor (" + string(constant) + ")", mixed(constant)},
		{"introspective", "introspective (" + string(idml.Paper) + ")", mixed(idml.Paper)},
	}
}

// ablationAxis is the axis of the steps.
func ablationAxis() gridAxis {
	a := gridAxis{flag: "ablation"}
	for i, arm := range AblationArms(idml.DefaultConfig()) {
		a.points = append(a.points, gridPoint{arm.Label, func(c *idml.Config) error {
			if c.Task == idml.Classification {
				return errors.New("an ablation is of the losses of retrieval: for classification, take its recipes")
			}
			*c = AblationArms(*c)[i].Config
			return nil
		}})
	}
	return a
}
