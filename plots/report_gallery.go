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

// galleryChoices returns the galleries of a report: the most certain and the most uncertain images, and a classifier's confident mistakes. Where the uncertainty tells
// nothing, the probability of a classifier's most probable class stands in for it, and there is none of retrieval.
func galleryChoices(predictions []runlog.Prediction) []gridChoice {
	images := slices.DeleteFunc(slices.Clone(predictions), func(p runlog.Prediction) bool { return len(p.Top) == 0 || !finite(p.Top[0].Probability) })
	if !ofClasses(predictions) {
		images = slices.DeleteFunc(slices.Clone(predictions), func(p runlog.Prediction) bool { return len(p.Nearest) == 0 || !finite(p.Uncertainty) })
	}
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
	if !ofClasses(images) {
		if len(images) < 2*galleryImages || !tellsApart(images) { // a few images are all among the queries
			return nil
		}
		least := sorted(images, uncertaintyOf)
		most := slices.Clone(least)
		slices.Reverse(most)
		return []gridChoice{
			{"The most certain", "The images with the least uncertainty, the most certain one first.", least[:galleryImages]},
			{"The least certain", "The images with the most uncertainty, the most uncertain one first.", most[:galleryImages]},
		}
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

// galleries returns the section on single images.
func galleries(run *runlog.Run, predictions []runlog.Prediction) ([]picture, error) {
	var out []picture
	classes, apart := classesByIndex(predictions), tellsApart(predictions)
	for _, c := range galleryChoices(predictions) {
		var images []Classified
		for _, p := range c.queries {
			img, err := thumbnail(run, p.Index)
			if err != nil {
				return nil, err
			}
			i := Classified{Image: img, Class: p.Class, Correct: p.Correct, Uncertainty: p.Uncertainty, Probability: math.NaN()}
			if len(p.Top) > 0 {
				i.Predicted, i.Probability = p.Top[0].Class, p.Top[0].Probability
			} else {
				i.Predicted = classes[p.Nearest[0].Index].name
			}
			if !apart {
				i.Uncertainty = math.NaN()
			}
			images = append(images, i)
		}
		f, err := NewGallery(images)
		if err != nil {
			return nil, err
		}
		p, err := newPicture("images-"+fileName(c.heading), f, "Test images with the class that they are taken for", c.caption)
		if err != nil {
			return nil, err
		}
		p.Heading = c.heading
		out = append(out, *p)
	}
	return out, nil
}
