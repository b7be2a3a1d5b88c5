// SPDX-License-Identifier: Apache-2.0

// Package experiment joins the parts into a run: a configuration becomes images in batches (package datasets), a trained model
// (package idml), its metrics (package retrieval) and a run folder (package runlog). The program and the notebooks call it, so
// that both do the same.
//
// [Open] finds the images of a configuration and checks everything that can be checked before training. [Train] makes a run folder, [Resume] continues
// one, [Evaluate] measures one, and [EvaluateEmbeddings] measures embeddings made elsewhere.
//
// A [Grid] describes many runs, whose [Plan] is trained by [Sweep]. [Compare] groups finished runs by their settings, and an [Analysis] holds settings against each
// other.
package experiment
