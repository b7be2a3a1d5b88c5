// SPDX-License-Identifier: Apache-2.0

// Package uncertainty measures what a number that is said to tell how uncertain an image is, its score, is worth: whether it is larger where the answer is wrong,
// where the image is worse, or from elsewhere. It is plain Go on plain slices; scores come from any model, or none. They must not be NaN.
//
// # Scores
//
// An uncertainty embedding u becomes a number by [Norms], ‖u‖, or by [MeanBetas], the mean of β = ‖u(i)+u(j)‖, the uncertainty of a pair, over the images j that are
// nearest to image i.
//
// # Measures
//
// All are of the order of the scores alone, so that scores of any scale compare.
//
//   - [AUROC] is the share of pairs of a score that should be large and one that should be small in which it is larger, equal ones counting half: 1 is perfect, 0.5
//     chance, below 0.5 the score falls where it should grow. It is Mann and Whitney's U over the number of pairs (Hanley and McNeil 1982).
//   - [ErrorAUROC] is AUROC for the event that an image's answer is wrong: with wrong R@1, the R-AUROC of Kirchhof et al., "URL: A Representation Learning Benchmark
//     for Transferable Uncertainty Estimates" (arXiv:2307.03810).
//   - [NewReject] draws the curve of errors against rejections (accuracy-rejection curves: Nadeem, Zucker and Hanczar 2009): the images with the largest scores are
//     rejected, and the error is that of the rest. Its area is the mean of that error over all numbers of images kept, 1 to n: the AURC of Geifman, Uziel and El-Yaniv
//     (arXiv:1805.08206). Beside it stand the area of the perfect order, which rejects what is wrong first, and that of a random order, which is the error of all. The
//     gain, (random − area)/(random − perfect), is 1 for the perfect order, 0 for a random one, and negative for a worse one: the ratio that
//     Malinin's prediction rejection ratio (thesis, Cambridge 2019) takes of another area.
//   - [Growth] is the share of steps, from each strength of a corruption to the next one, at which an image's score grows, equal ones counting half: 1 is monotone in
//     every image, 0.5 chance. Ours: AUROC compares images with each other, this an image with itself.
//   - [SpearmanEstimate] is the rank correlation of scores with a quantity, such as the distance of an image to the center of its class, [CenterDistances].
//
// Images with equal scores are in no order: AUROC counts half, and the curve has the mean over all orders of them. So a constant score is exactly chance.
//
// # Intervals
//
// An [Estimate] is a value with its 95 % bootstrap interval, by percentiles (Efron 1979). What is drawn with replacement decides what the interval speaks of; copies of an
// image go with the image.
//
//   - Classes, as many as there are, each with all its images (a cluster bootstrap: Field and Welsh 2007): what the value could have been on other
//     classes. Images of a class are easy and hard together, so this is often much wider than the next, and it is the one for retrieval, where the claim is about classes that
//     were not seen. The sizes of resamples differ where those of classes do. Of few classes, fewer than about twenty, such an interval is too narrow.
//   - Images, as many as there are: what it could have been on other images of the same classes, if images were independent. It is for classifiers, whose classes are given,
//     and says too little of unseen ones.
//
// See [Bootstrap]. Sets of images that have no class in common are drawn by themselves. Of a single class, or a set of a single image, there is no interval. No interval tells how much another training would change.
package uncertainty
