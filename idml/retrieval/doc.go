// SPDX-License-Identifier: Apache-2.0

// Package retrieval measures embeddings: how often the nearest images of an image show its own class, and how well
// clusters of the embeddings agree with the classes.
//
// [Evaluate] takes a [Matrix] of embeddings and a label for each row and returns a [Result]:
//
//  1. [Neighbors] lists the nearest rows of each row, exactly: Euclidean distance of the L2-normalized rows, the row
//     itself left out by its index, equal distances ordered by index. The products run on the backend, tile by tile.
//  2. [RecallAtK], [RPrecision] and [MAPAtR] are counted from the lists. Every row is a query.
//  3. [KMeans] clusters the normalized rows, with as many clusters as classes.
//  4. [NMI], [AMI] and [PairwiseF1] compare the clusters with the classes.
//
// [Nearest] finds the rows that are nearest to one query that is no row, by the same distance.
//
// Libraries differ in these definitions; each function says which it follows. The functions of steps 2 and 4 are plain
// Go over slices, for lists and clusters from elsewhere. They panic where lengths differ; what data can cause is an
// error of Evaluate, Neighbors and KMeans that names the row.
package retrieval
