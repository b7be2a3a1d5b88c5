// SPDX-License-Identifier: Apache-2.0

// Package plane puts points of many dimensions into the plane, so that they can be looked at: [PCA] along the two directions in which they vary most, [TSNE] so
// that near ones stay near. Both are functions of their arguments alone: the same points and seed give the same coordinates on one kind of machine, on however many cores.
//
// t-SNE is computed exactly, in time and memory that grow with the square of the number of points: it is for a few thousand.
package plane
