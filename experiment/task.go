// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/ml/train"

	"introspection/datasets"
	"introspection/idml"
	"introspection/idml/runlog"
)

// datasetNames are the values of data.name that Open knows, by task.
var datasetNames = map[idml.Task][]string{
	idml.Retrieval:      {"glyphs", "fashion", "folder", "cub", "cars", "sop"},
	idml.Classification: {"fashion", "cifar10", "cifar100", "imagenet"},
}

// Task is a dataset with the order and the transforms that a configuration asks for.
type Task struct {
	// Split holds the images that are trained on and those that are retrieved, or classified.
	Split datasets.Split

	task idml.Task

	// The loaders of Split's images. evaluation has those that epochs are judged by: those held out of training, or test's.
	train, test, evaluation *datasets.Loader
	// incomplete says where the images are not the whole published dataset; nil if they are.
	incomplete error
	bad        []datasets.BadImage // that dropBadTests took out
}

// Open finds the images of a configuration. Its errors are all that can be found without decoding each image.
func Open(cfg idml.Config) (*Task, error) { return (*Resident)(nil).openTask(cfg) }

// hasJPEG tells, by their names, whether some images that are trained on are JPEG files.
func (t *Task) hasJPEG() bool {
	return slices.ContainsFunc(t.Split.Train.Examples, func(e datasets.Example) bool {
		ending := strings.ToLower(path.Ext(e.Name))
		return ending == ".jpg" || ending == ".jpeg"
	})
}

// heldOut returns the task with the images that were held out of training in place of the test images.
func (t *Task) heldOut() (*Task, error) {
	if t.evaluation == t.test {
		return nil, errors.New("nothing was held out of training: train with --set data.validation=0.25, say")
	}
	of := *t
	of.test, of.Split.Test = t.evaluation, t.evaluation.Data
	return &of, nil
}

// openTask is Open, with the images as they are kept.
func (r *Resident) openTask(cfg idml.Config) (*Task, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	split, err := r.openSplit(cfg)
	if err != nil {
		return nil, err
	}
	t := &Task{Split: split, task: cfg.Task, incomplete: datasets.CheckPublished(cfg.Data.Name, split)}
	var held *datasets.Dataset
	if cfg.Data.Validation > 0 {
		holdOut := datasets.HoldOutClasses
		if cfg.Task == idml.Classification {
			holdOut = datasets.HoldOutImages
		}
		if t.Split.Train, held, err = holdOut(split.Train, cfg.Data.Validation, cfg.Seed); err != nil {
			return nil, fmt.Errorf("data.validation: %w", err)
		}
	}
	random, fixed := transforms(cfg.Data)
	loader := func(d *datasets.Dataset, order datasets.Order, transform datasets.Transform, training bool) *datasets.Loader {
		return &datasets.Loader{
			Data: d, Order: order, Transform: transform, BatchSize: cfg.Data.BatchSize, DropLast: training && cfg.Task == idml.Retrieval,
			OnBadImage: datasets.BadImagePolicy(cfg.Data.OnBadImage), Seed: cfg.Seed, Workers: cfg.Data.Workers,
		}
	}
	t.train = loader(t.Split.Train, datasets.Shuffled{}, random, true)
	if n := cfg.Data.ImagesPerClass; n > 0 {
		t.train.Order = datasets.ClassBalanced{Classes: cfg.Data.BatchSize / n, PerClass: n}
	}
	t.test = loader(t.Split.Test, datasets.Sequential{}, fixed, false)
	t.evaluation = t.test
	if held != nil {
		t.evaluation = loader(held, datasets.Sequential{}, fixed, false)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	if n := len(t.Split.Train.Examples); !t.train.DropLast && n > 1 && n%t.train.BatchSize == 1 && cfg.Model.BatchNorm == idml.TrainedBatchNorm {
		return nil, fmt.Errorf("the last batch of %d training images in batches of %d has one image, which has no statistics to normalize by: choose another data.batch_size", n, t.train.BatchSize)
	}
	return t, nil
}

// check returns what can be known to fail later.
func (t *Task) check() error {
	if t.train.Batches() < 1 {
		return fmt.Errorf("%d training images make no batch of %d: lower data.batch_size", len(t.Split.Train.Examples), t.train.BatchSize)
	}
	if err := t.train.Check(); err != nil {
		return fmt.Errorf("training images: %w", err)
	}
	if err := t.evaluation.Check(); err != nil {
		return fmt.Errorf("images to evaluate: %w", err)
	}
	if err := t.test.Check(); err != nil {
		return fmt.Errorf("test images: %w", err)
	}
	return nil
}

func openSplit(cfg idml.Config) (datasets.Split, error) {
	if names := datasetNames[cfg.Task]; !slices.Contains(names, cfg.Data.Name) {
		return datasets.Split{}, fmt.Errorf("data.name is %q, want for task %s one of %v", cfg.Data.Name, cfg.Task, names)
	}
	if cfg.Data.Name == "glyphs" {
		c := datasets.DefaultGlyphs()
		c.Size = cfg.Data.ImageSize
		return datasets.Glyphs(c)
	}
	if cfg.Data.Name == "fashion" && cfg.Data.Folder == "" {
		if cfg.Task == idml.Classification {
			return datasets.FashionClassification()
		}
		return datasets.Fashion()
	}
	open := map[string]func(fs.FS) (datasets.Split, error){
		"cub": datasets.CUB, "cars": datasets.Cars, "sop": datasets.SOP, "fashion": datasets.FashionFolder,
		"folder":  func(fsys fs.FS) (datasets.Split, error) { return datasets.Folder(fsys, cfg.Data.Folder) },
		"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100, "imagenet": datasets.ImageNet,
	}[cfg.Data.Name]
	if cfg.Data.Name == "fashion" && cfg.Task == idml.Classification {
		open = datasets.FashionClassificationFolder
	}
	if cfg.Data.Folder == "" {
		return datasets.Split{}, fmt.Errorf("data.folder is empty: name the folder of the images with --data")
	}
	if info, err := os.Stat(cfg.Data.Folder); err != nil || !info.IsDir() {
		return datasets.Split{}, fmt.Errorf("data.folder is %s, which is not a folder: name it with --data", cfg.Data.Folder)
	}
	return open(os.DirFS(cfg.Data.Folder))
}

// resizeRatio is the ratio of the short side after resizing to the crop, in evaluation. Code: Resize 256, CenterCrop 224.
const resizeRatio = 256.0 / 224.0

// The margins of random shifts, in pixels: of CIFAR's images (Code: 4), and of the embedded ones, which are centered.
const (
	cifarMargin    = 4
	embeddedMargin = 2
)

// transforms returns the random transform of training and the fixed one of evaluation. Photographs get the paper's, and so do CIFAR's images, a random shift
// and flip; the embedded sets get a smaller shift, and clothing a random flip.
func transforms(c idml.DataConfig) (random, fixed datasets.Transform) {
	size := c.ImageSize
	switch c.Name {
	case "glyphs":
		random, fixed = datasets.RandomCrop{Size: size, Padding: embeddedMargin}, datasets.Compose{}
	case "fashion", "cifar10", "cifar100":
		fixed = datasets.Compose{}
		if size != 32 {
			fixed = datasets.Resize{Size: size}
		}
		margin := cifarMargin
		if c.Name == "fashion" {
			margin = embeddedMargin
		}
		random = datasets.Compose{fixed, datasets.RandomCrop{Size: size, Padding: margin}, datasets.HorizontalFlip{Probability: 0.5}}
	default:
		fixed = datasets.Compose{datasets.Resize{Size: int(float64(size) * resizeRatio)}, datasets.CenterCrop{Size: size}}
		random = datasets.Compose{datasets.DefaultRandomResizedCrop(size), datasets.HorizontalFlip{Probability: 0.5}}
	}
	if !c.Augment {
		random = fixed
	}
	return random, fixed
}

// dropBadTests takes the test images that couldn't be decoded, and were skipped, out of the task, so that what was embedded is in step with it.
func (t *Task) dropBadTests() {
	bad := t.test.BadImages()
	if len(bad) == 0 {
		return
	}
	indices := make([]int, len(bad))
	for i, b := range bad {
		indices[i] = b.Index
	}
	t.Split.Test = t.Split.Test.Without(indices)
	t.bad = append(t.bad, bad...)
	old := t.test
	t.test = &datasets.Loader{
		Data: t.Split.Test, Order: old.Order, Transform: old.Transform, BatchSize: old.BatchSize, DropLast: old.DropLast,
		OnBadImage: old.OnBadImage, Seed: old.Seed, Workers: old.Workers,
	}
	if t.evaluation == old {
		t.evaluation = t.test
	}
}

// badNote says how many images couldn't be decoded and names the first; "" if there are none.
func (t *Task) badNote() string {
	bad := slices.Concat(t.train.BadImages(), t.bad, t.test.BadImages())
	if t.evaluation != t.test {
		bad = append(bad, t.evaluation.BadImages()...)
	}
	if len(bad) == 0 {
		return ""
	}
	if len(bad) == 1 {
		return fmt.Sprintf("1 image could not be decoded and was left out: %v", bad[0].Err)
	}
	return fmt.Sprintf("%d images could not be decoded and were left out; the first: %v", len(bad), bad[0].Err)
}

// chosenOn says which images the best epoch is chosen on.
func (t *Task) chosenOn() string {
	held := t.evaluation != t.test
	switch {
	case t.task == idml.Classification && held:
		return runlog.ChosenOnHeldOutImages
	case t.task == idml.Classification:
		return runlog.ChosenOnTestImages
	case held:
		return runlog.ChosenOnHeldOut
	}
	return runlog.ChosenOnTest
}

// Data is the task as training wants it.
func (t *Task) Data() idml.Data {
	return idml.Data{
		Classes:    len(t.Split.Train.Classes),
		Batches:    t.train.Batches(),
		Train:      func(epoch, skip int) train.Dataset { return t.train.Epoch(epoch, skip) },
		Evaluation: t.evaluation.Epoch(0, 0),
	}
}
