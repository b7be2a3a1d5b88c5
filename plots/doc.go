// SPDX-License-Identifier: Apache-2.0

// Package plots draws the figures of a run, and joins them to a report.
//
// Each figure is a type with exported fields for its looks, made from plain
// slices and functions by its New function, which copies and checks the data:
//
//	Curves     training loss, recall or accuracy and other quantities over epochs, in panels side by side
//	Bands      lines in bands, such as the error over the share that is rejected, or a metric over epochs with its spread over seeds
//	Surface    the introspective distance D(α, β) as heat map with contour lines and, if wanted, its gradient as arrows
//	Histogram  how a quantity is distributed in several groups, such as the uncertainty by kind of ambiguity
//	Histograms  the same in ordered groups, such as strengths, in a panel for each of several things
//	Boxes      the same of many groups, such as classes, a row each
//	Strip      pictures from step to step over a diagram of what is made of them, such as an image that becomes another
//	Scatter    points in the plane, such as projected embeddings, with classes as colors and the uncertainty as size
//	Grid       query images with their nearest images, right and wrong ones marked
//	Gallery    images with the class that they are taken for, right and wrong ones marked
//	Confusion  which classes are taken for which
//	Intervals  methods with mean and spread over seeds
//	Differences  differences between settings beside zero, with two intervals and the seeds
//
// [UncertaintyRejections], [UncertaintyCorruptions], [UncertaintyHistograms], [UncertaintyMixing], [UncertaintyPlane] and [UncertaintyByClass] make those of what
// "idml uncertainty" measured.
//
// A [Figure] knows its size and how to draw itself on a canvas of that size;
// [WriteSVG], [WritePNG] and [Save] do the rest. Figures are 640 px wide where
// the data allow it, a px being 1/96 inch as on the web, so that they fit a notebook
// and a printed page. Colors are those of Okabe and Ito, which people with the common
// kinds of color blindness can tell apart; and color is never the only cue: lines differ by
// dashes and markers too, and marks of right and wrong by sign.
//
// [WriteReport] makes one self-contained HTML file of a run folder, [WriteComparison] one of figures and tables on several runs.
//
// Text is set in Liberation Sans. An SVG names Arial and Helvetica after it,
// which have the same widths, and holds no font itself. Letters that Liberation Sans
// doesn't have (it has Latin, Greek and Cyrillic ones) are drawn as boxes in a PNG.
package plots
