// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"os"

	"github.com/gomlx/gomlx/ml/train"

	"introspection/datasets"
	"introspection/idml"
)

// DatasetNames are the values of data.name that Open knows.
var DatasetNames = []string{"glyphs", "fashion", "folder"}

// Task is a dataset with the order and the transforms that a configuration asks for.
type Task struct {
	Split datasets.Split

	train, test datasets.Loader
}

// Open finds the images of a configuration. Its errors are all that can be found without decoding each image.
func Open(cfg idml.Config) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	split, err := openSplit(cfg)
	if err != nil {
		return nil, err
	}
	t := &Task{Split: split}
	random, fixed := transforms(cfg.Data)
	t.train = datasets.Loader{
		Data: split.Train, Order: datasets.Shuffled{}, Transform: random, BatchSize: cfg.Data.BatchSize,
		DropLast: true, Seed: cfg.Seed, Workers: cfg.Data.Workers,
	}
	if n := cfg.Data.ImagesPerClass; n > 0 {
		t.train.Order = datasets.ClassBalanced{Classes: cfg.Data.BatchSize / n, PerClass: n}
	}
	t.test = datasets.Loader{
		Data: split.Test, Order: datasets.Sequential{}, Transform: fixed, BatchSize: cfg.Data.BatchSize,
		DropLast: false, Seed: cfg.Seed, Workers: cfg.Data.Workers,
	}
	if t.train.Batches() < 1 {
		return nil, fmt.Errorf("%d training images make no batch of %d: lower data.batch_size", len(split.Train.Examples), cfg.Data.BatchSize)
	}
	if err := t.train.Check(); err != nil {
		return nil, fmt.Errorf("training images: %w", err)
	}
	if err := t.test.Check(); err != nil {
		return nil, fmt.Errorf("test images: %w", err)
	}
	return t, nil
}

func openSplit(cfg idml.Config) (datasets.Split, error) {
	switch cfg.Data.Name {
	case "glyphs":
		c := datasets.DefaultGlyphs()
		c.Size = cfg.Data.ImageSize
		return datasets.Glyphs(c)
	case "fashion":
		if cfg.Data.Folder == "" {
			return datasets.Fashion()
		}
		return datasets.FashionFolder(os.DirFS(cfg.Data.Folder))
	case "folder":
		if cfg.Data.Folder == "" {
			return datasets.Split{}, fmt.Errorf("data.folder is empty: name the folder of class folders with --data")
		}
		if info, err := os.Stat(cfg.Data.Folder); err != nil || !info.IsDir() {
			return datasets.Split{}, fmt.Errorf("data.folder is %s, which is not a folder", cfg.Data.Folder)
		}
		return datasets.Folder(os.DirFS(cfg.Data.Folder), cfg.Data.Folder)
	default:
		return datasets.Split{}, fmt.Errorf("data.name is %q, want one of %v", cfg.Data.Name, DatasetNames)
	}
}

// resizeRatio is the ratio of the short side after resizing to the crop, in evaluation. Code: Resize 256, CenterCrop 224.
const resizeRatio = 256.0 / 224.0

// transforms returns the random transform of training and the fixed one of evaluation. Photographs get the paper's; the embedded sets, whose
// images are small and centered, get a random shift by up to two pixels, and clothing a random flip.
func transforms(c idml.DataConfig) (random, fixed datasets.Transform) {
	size := c.ImageSize
	switch c.Name {
	case "glyphs":
		random, fixed = datasets.RandomCrop{Size: size, Padding: 2}, datasets.Compose{}
	case "fashion":
		fixed = datasets.Compose{}
		if size != 32 {
			fixed = datasets.Resize{Size: size}
		}
		random = datasets.Compose{fixed, datasets.RandomCrop{Size: size, Padding: 2}, datasets.HorizontalFlip{Probability: 0.5}}
	default:
		fixed = datasets.Compose{datasets.Resize{Size: int(float64(size) * resizeRatio)}, datasets.CenterCrop{Size: size}}
		random = datasets.Compose{datasets.DefaultRandomResizedCrop(size), datasets.HorizontalFlip{Probability: 0.5}}
	}
	if !c.Augment {
		random = fixed
	}
	return random, fixed
}

// Data is the task as training wants it.
func (t *Task) Data() idml.Data {
	return idml.Data{
		Classes: len(t.Split.Train.Classes),
		Batches: t.train.Batches(),
		Train:   func(epoch, skip int) train.Dataset { return t.train.Epoch(epoch, skip) },
		Test:    t.test.Epoch(0, 0),
	}
}
