// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"encoding/json"
	"fmt"
	"io"

	"introspection/idml/retrieval"
	"introspection/idml/weights"
)

// Index holds the embeddings of images by one model, to search in.
//
// Its file is a safetensors file that EvaluateEmbeddings takes as well: "embeddings" [n, d] and "uncertainties" [n, d], both float32, and "labels" [n]
// int32 where the images lie in class folders. Its metadata, all of them text, are
//
//	paths        JSON list of the n images' paths, below source
//	classes      JSON list of the names of the classes, by label; left out where there are no labels
//	source       the folder of the images, or "RUN, test" of a run's own
//	run          the run folder, or the checkpoint, whose model embedded them
//	epoch, step  how far it was trained
//	model        SHA-256 of the network's arrays and settings: searching needs the same
type Index struct {
	// Semantic and Uncertainty are [n, d].
	Semantic, Uncertainty retrieval.Matrix
	Paths                 []string
	// Labels index Classes; both are nil where nothing is known of classes.
	Labels  []int
	Classes []string

	Source, Run string
	Epoch, Step int
	Model       string
}

// Class returns the name of image i's class, or "".
func (x *Index) Class(i int) string {
	if x.Labels == nil {
		return ""
	}
	return x.Classes[x.Labels[i]]
}

// Write writes the index as a safetensors file.
func (x *Index) Write(w io.Writer) error {
	f := &weights.File{
		Tensors: []weights.Tensor{
			weights.FromFloat32("embeddings", []int{x.Semantic.Rows, x.Semantic.Cols}, x.Semantic.Data),
			weights.FromFloat32("uncertainties", []int{x.Uncertainty.Rows, x.Uncertainty.Cols}, x.Uncertainty.Data),
		},
		Metadata: map[string]string{
			"format": "pt", "source": x.Source, "run": x.Run, "epoch": fmt.Sprint(x.Epoch), "step": fmt.Sprint(x.Step), "model": x.Model,
		},
	}
	lists := map[string][]string{"paths": x.Paths}
	if x.Labels != nil {
		labels := make([]int32, len(x.Labels))
		for i, label := range x.Labels {
			labels[i] = int32(label)
		}
		f.Tensors = append(f.Tensors, weights.FromInt32("labels", []int{len(labels)}, labels))
		lists["classes"] = x.Classes
	}
	for key, list := range lists {
		text, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("writing the index: %w", err)
		}
		f.Metadata[key] = string(text)
	}
	return weights.WriteSafetensors(w, f)
}

// ReadIndex reads what Write writes. A safetensors file that lacks a part of it is an error that says so.
func ReadIndex(r io.Reader) (*Index, error) {
	f, err := weights.ReadSafetensors(r)
	if err != nil {
		return nil, err
	}
	x := &Index{Source: f.Metadata["source"], Run: f.Metadata["run"], Model: f.Metadata["model"]}
	if x.Model == "" || f.Metadata["paths"] == "" {
		return nil, fmt.Errorf("the file doesn't say which images it has and which model embedded them: make it with idml embed")
	}
	_, _ = fmt.Sscan(f.Metadata["epoch"], &x.Epoch) // for people alone
	_, _ = fmt.Sscan(f.Metadata["step"], &x.Step)
	if x.Semantic, err = matrix(f, "embeddings"); err != nil {
		return nil, err
	}
	if x.Uncertainty, err = matrix(f, "uncertainties"); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(f.Metadata["paths"]), &x.Paths); err != nil {
		return nil, fmt.Errorf("metadata paths: %w", err)
	}
	if x.Semantic.Rows != len(x.Paths) || x.Uncertainty.Rows != len(x.Paths) {
		return nil, fmt.Errorf("%d paths, embeddings of %d × %d and uncertainties of %d × %d: want one row an image in each", len(x.Paths),
			x.Semantic.Rows, x.Semantic.Cols, x.Uncertainty.Rows, x.Uncertainty.Cols)
	}
	if _, ok := f.Tensor("labels"); !ok {
		return x, nil
	}
	if x.Labels, err = integers(f, "labels", len(x.Paths)); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(f.Metadata["classes"]), &x.Classes); err != nil {
		return nil, fmt.Errorf("metadata classes: %w", err)
	}
	for i, label := range x.Labels {
		if label < 0 || label >= len(x.Classes) {
			return nil, fmt.Errorf("labels holds %d in row %d, and there are %d classes", label, i, len(x.Classes))
		}
	}
	return x, nil
}
