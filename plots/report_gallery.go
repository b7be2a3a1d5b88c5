// SPDX-License-Identifier: Apache-2.0

package plots

import (
	"cmp"
	"math"
	"slices"

	"introspection/idml/runlog"
)

// galleryImages is how many images a gallery of a report shows: two rows.
const galleryImages = 2 * galleryColumns

// galleryChoices returns the galleries of a report: the most certain and the most uncertain images, and confident mistakes. Where the uncertainty tells nothing, the
// probability of the most probable class stands in for it. There are none if no prediction is of a classifier.
func galleryChoices(predictions []runlog.Prediction) []gridChoice {
	images := slices.DeleteFunc(slices.Clone(predictions), func(p runlog.Prediction) bool { return len(p.Top) == 0 || !finite(p.Top[0].Probability) })
	if len(images) == 0 {
		return nil
	}
	sorted := func(list []runlog.Prediction, by func(runlog.Prediction) float64) []runlog.Prediction {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b runlog.Prediction) int {
			return cmp.Or(cmp.Compare(by(a), by(b)), cmp.Compare(a.Index, b.Index))
		})
		return list
	}
	doubt := func(p runlog.Prediction) float64 { return -p.Top[0].Probability }
	sure := func(p runlog.Prediction) float64 { return p.Top[0].Probability }
	wrong := slices.DeleteFunc(sorted(images, doubt), func(p runlog.Prediction) bool { return p.Correct })
	known := slices.DeleteFunc(slices.Clone(images), func(p runlog.Prediction) bool { return !finite(p.Uncertainty) })
	var choices []gridChoice
	if tellsApart(known) {
		choices = []gridChoice{
			{"Most certain", "The images with the least uncertainty.", sorted(known, uncertaintyOf)},
			{"Most uncertain", "The images with the most uncertainty.", sorted(known, func(p runlog.Prediction) float64 { return -p.Uncertainty })},
		}
	} else {
		choices = []gridChoice{
			{"Most probable", "The images whose most probable class is so with the largest probability; the uncertainty tells none apart.", sorted(images, doubt)},
			{"Least probable", "The images whose most probable class is so with the smallest probability.", sorted(images, sure)},
		}
	}
	choices = append(choices, gridChoice{"Confident mistakes", "Of the images that are wrong, those with the largest probability of the wrong class.", wrong})
	choices = slices.DeleteFunc(choices, func(c gridChoice) bool { return len(c.queries) == 0 })
	for i := range choices {
		choices[i].queries = choices[i].queries[:min(galleryImages, len(choices[i].queries))]
	}
	return choices
}

// tellsApart tells whether uncertainties differ by more than rounding.
func tellsApart(predictions []runlog.Prediction) bool {
	if len(predictions) == 0 {
		return false
	}
	low, high := rangeOf(predictions)
	return !allEqual(low, high)
}

// galleries returns the section on classified images.
func galleries(run *runlog.Run, predictions []runlog.Prediction) ([]picture, error) {
	var out []picture
	for _, c := range galleryChoices(predictions) {
		var images []Classified
		for _, p := range c.queries {
			img, err := thumbnail(run, p.Index)
			if err != nil {
				return nil, err
			}
			i := Classified{
				Image: img, Class: p.Class, Predicted: p.Top[0].Class, Probability: p.Top[0].Probability, Correct: p.Correct, Uncertainty: p.Uncertainty,
			}
			if !tellsApart(predictions) {
				i.Uncertainty = math.NaN()
			}
			images = append(images, i)
		}
		f, err := NewGallery(images)
		if err != nil {
			return nil, err
		}
		svg, err := inline(f, "Test images with their most probable class")
		if err != nil {
			return nil, err
		}
		out = append(out, picture{Heading: c.heading, SVG: svg, Caption: c.caption})
	}
	return out, nil
}
