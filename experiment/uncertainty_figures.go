// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"

	"introspection/idml/runlog"
	"introspection/plots"
)

// RejectFigure draws what rejecting test images by each score comes to: see [plots.UncertaintyRejections].
func (r *UncertaintyReport) RejectFigure() (*plots.Bands, error) {
	return plots.UncertaintyRejections(r.Uncertainty)
}

// CorruptionFigure draws how well a score tells corrupted test images: see [plots.UncertaintyCorruptions].
func (r *UncertaintyReport) CorruptionFigure(score runlog.UncertaintyScore) (*plots.Bands, error) {
	return plots.UncertaintyCorruptions(r.Uncertainty, score)
}

// HistogramFigure draws how ‖u‖ is distributed under each corruption: see [plots.UncertaintyHistograms].
func (r *UncertaintyReport) HistogramFigure() (*plots.Histograms, error) {
	return plots.UncertaintyHistograms(r.Uncertainty)
}

// MixingFigure draws ‖u‖ from one image to another, with pictures from the run folder, empty boxes where it has none: see [plots.UncertaintyMixing]. The error wraps
// [plots.ErrNoData] if nothing was mixed, or images that were held out, of which the folder has no pictures.
func (r *UncertaintyReport) MixingFigure() (*plots.Strip, error) {
	if r.Mixing == nil || r.heldOut {
		return nil, fmt.Errorf("%w: no mixed test images", plots.ErrNoData)
	}
	run, err := runlog.Open(r.Run)
	if err != nil {
		return nil, err
	}
	return plots.UncertaintyMixing(run, r.Uncertainty)
}

// PlaneFigure draws the test images in the plane: see [plots.UncertaintyPlane].
func (r *UncertaintyReport) PlaneFigure() (*plots.Scatter, error) {
	return plots.UncertaintyPlane(r.Uncertainty)
}

// ClassFigure draws how ‖u‖ is distributed in each class, by the predictions in the run folder: see [plots.UncertaintyByClass].
func (r *UncertaintyReport) ClassFigure() (*plots.Boxes, error) {
	run, err := runlog.Open(r.Run)
	if err != nil {
		return nil, err
	}
	predictions, err := run.Predictions()
	if err != nil {
		return nil, err
	}
	return plots.UncertaintyByClass(predictions)
}
