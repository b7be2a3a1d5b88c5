// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"

	"introspection/experiment"
	"introspection/idml"
	"introspection/idml/resnet"
	"introspection/idml/runlog"
	"introspection/plots"
)

func trainCommand() command {
	return command{
		name:    "train",
		summary: "train a model and write a run folder",
		usage:   "--out DIR [--recipe NAME | --config FILE] [--data FOLDER] [--set KEY=VALUE]…\n         [--devices N]\n       idml train --resume DIR [--data FOLDER] [--devices N]",
		help: `
Train makes the folder DIR and writes into it settings, metrics, the trained model,
predictions of the test images and results. Both baselines, raw pixels and the untrained
network, are measured too. Ctrl-C ends training after the step under way; what was trained is
measured, and --resume goes on from there; with --data where the images have moved.

--devices N shares each batch among N devices, the first that the backend has: GPUs, or the four
that XLA's CPU plugin always has, which are no faster than one. The training is that on one
device, but for rounding. N is no setting of the run: --resume may go on with another.

Recipes: ` + strings.Join(idml.RecipeNames(), ", ") + `. Settings are named by their path in config.json.
Those of the paper's runs, cub, cars and sop, need --data, the folder that holds the dataset's
("idml verify" checks it), and ImageNet weights ("idml weights resnet50" fetches them).

Recipes of classification: ` + strings.Join(idml.ClassificationRecipes(), ", ") + `, each with
` + strings.Join(idml.ClassificationMethods, ", ") + ` behind it, as in
cifar10-idml-cutmix. All but fashion10's need --data.

--loss names a loss, which "idml losses" lists, with the settings that the paper took; --set
changes those after that. A loss that compares images with each other needs several images of
a class in a batch: data.images_per_class, which --loss sets on datasets of many classes.

Own images lie in FOLDER/CLASS/IMAGE (JPEG or PNG): the first half of the classes, by name,
trains, the second half is retrieved; or in FOLDER/train/CLASS and FOLDER/test/CLASS.

Examples:
  $ idml train --recipe glyphs --out runs/glyphs
  $ idml train --recipe glyphs --metric plain --set seed=1 --out runs/plain-1
  $ idml train --recipe glyphs --loss triplet --metric paper --mixup=false --out runs/triplet
  $ idml train --recipe cub --data ~/datasets --out runs/cub
  $ idml train --recipe cub --data ~/datasets --metric paper --validation 0.1 --out runs/cub-paper
  $ idml train --recipe fashion --set epochs=4 --out runs/fashion
  $ idml train --recipe fashion10-idml-cutmix --out runs/fashion10
  $ idml train --recipe cifar100-cutmix --data ~/datasets --out runs/cifar100
  $ idml train --data ~/birds --set data.image_size=64 --out runs/birds
  $ idml train --recipe glyphs --print-config
  $ idml train --resume runs/glyphs`,
		run: runTrain,
	}
}

// settings collects --set KEY=VALUE.
type settings []string

func (s *settings) String() string { return strings.Join(*s, " ") }

func (s *settings) Set(v string) error {
	if !strings.Contains(v, "=") {
		return fmt.Errorf("%q is not KEY=VALUE", v)
	}
	*s = append(*s, v)
	return nil
}

func runTrain(ctx context.Context, env *environment, args []string) error {
	set := env.flags("train")
	out := set.String("out", "", "make the run `folder`")
	resume := set.String("resume", "", "continue the run in this `folder`")
	recipe := set.String("recipe", "", "begin with the settings of a recipe, by `name`")
	file := set.String("config", "", "begin with the settings in a `file` like a run's config.json")
	data := set.String("data", "", "train on the images in this `folder`")
	var changes settings
	for _, short := range []struct{ name, key, usage string }{
		{"metric", "metric.form", "the metric's `form`: see \"idml losses\"; for classification plain, released or clean"},
		{"validation", "data.validation", "hold out this `share` of the training classes, or images, to choose the best epoch by"},
		{"on-bad-image", "data.on_bad_image", "`stop` or skip: what to do about an image that can't be decoded"},
	} {
		set.Func(short.name, short.usage, func(value string) error { return changes.Set(short.key + "=" + value) })
	}
	set.BoolFunc("mixup", "train on mixed images; --mixup=false leaves them out", func(value string) error {
		mixes, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("want true or false")
		}
		changes = append(changes, "mixing.method="+map[bool]string{true: idml.Mixup, false: idml.NoMixing}[mixes], "mixing.probability=1")
		return nil
	})
	loss := set.String("loss", "", "the loss, by `name`: see \"idml losses\"")
	backbone := set.String("backbone", "", "the network, by `name`: "+strings.Join(resnet.Names(), ", "))
	devices := set.Int("devices", 1, "share each batch among so many devices, `N`; must divide data.batch_size")
	show := set.Bool("print-config", false, "print the settings as JSON and end")
	set.Var(&changes, "set", "change a setting, as `key=value`; may be repeated")
	if err := env.parse(set, args, 0); err != nil {
		return err
	}
	if *devices < 1 {
		return usageError{fmt.Sprintf("train: --devices is %d, want at least 1", *devices)}
	}
	if *resume != "" {
		if *out != "" || *recipe != "" || *file != "" || *loss != "" || *backbone != "" || *show || len(changes) > 0 {
			return usageError{"train: --resume takes all settings from the run: give no other option but --data and --devices"}
		}
		return env.train(ctx, *resume, experiment.Options{Data: *data, Devices: *devices}, experiment.Resume)
	}
	cfg, err := trainingConfig(*recipe, *file, *data, *loss, *backbone, changes)
	if err != nil {
		return err
	}
	if *show {
		e := json.NewEncoder(env.stdout)
		e.SetIndent("", "  ")
		return e.Encode(cfg)
	}
	if *out == "" {
		return usageError{"train: no run folder: name one with --out DIR"}
	}
	return env.train(ctx, *out, experiment.Options{Devices: *devices}, func(ctx context.Context, b compute.Backend, dir string, o experiment.Options) (*runlog.Results, error) {
		return experiment.Train(ctx, b, cfg, dir, o)
	})
}

// trainingConfig returns the settings that the options name, checked as a whole.
func trainingConfig(recipe, file, data, loss, backbone string, changes settings) (idml.Config, error) {
	var cfg idml.Config
	var err error
	switch {
	case recipe != "" && file != "":
		return cfg, usageError{"train: --recipe and --config exclude each other"}
	case file != "":
		cfg, err = readConfig(file)
	case recipe != "":
		cfg, err = idml.Recipe(recipe)
	case data != "":
		cfg, err = idml.Recipe("folder")
	default:
		return cfg, usageError{"train: nothing to train on: name a --recipe, a --config or a folder of images with --data"}
	}
	if err != nil {
		return cfg, err
	}
	if data != "" {
		cfg.Data.Folder = data
		if cfg.Data.Name == "glyphs" { // which has no files
			cfg.Data.Name = "folder"
		}
	}
	if loss != "" {
		if err := cfg.UseLoss(loss); err != nil {
			return cfg, usageError{"train: --loss: " + err.Error()}
		}
	}
	if backbone != "" {
		if cfg.Model.Backbone, err = resnet.Named(backbone); err != nil {
			return cfg, usageError{"train: --backbone: " + err.Error()}
		}
	}
	for _, change := range changes {
		key, value, _ := strings.Cut(change, "=")
		if err := cfg.Set(key, value); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.Validate()
}

// readConfig reads a file like a run's config.json. A setting that is unknown or missing is an error that names it.
func readConfig(path string) (idml.Config, error) {
	var cfg idml.Config
	data, err := os.ReadFile(path)
	if err != nil {
		return cfg, err
	}
	if cfg, err = idml.ParseConfig(data); err != nil {
		return cfg, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// train runs a training with the options, shows its progress, and prints the results.
func (env *environment) train(ctx context.Context, dir string, o experiment.Options, do func(context.Context, compute.Backend, string, experiment.Options) (*runlog.Results, error)) error {
	b, done, err := env.openBackend()
	if err != nil {
		return err
	}
	defer done()
	line := env.progress()
	live := &liveCurves{env: env, dir: dir}
	var pace pace
	o.Resident = env.resident
	o.Warn = func(text string) {
		line.clear()
		env.warn(text)
	}
	o.Stage = func(text string) {
		line.clear()
		env.note("%s", text)
	}
	o.Progress = func(p idml.Progress) {
		pace.observe(p, time.Now())
		if p.Metrics != nil {
			line.clear()
			live.update(time.Now())
			judge := runlog.Judge(p.Metrics)
			env.note("epoch %d of %d: %s %.3f", p.Epoch, p.Epochs, plots.MetricTitle(judge), p.Metrics[judge])
			return
		}
		line.updateShare(stepText(p, &pace), share(p))
		live.update(time.Now())
	}
	results, err := do(ctx, b, dir, o)
	again := "idml train --resume " + dir
	if o.Devices > 1 {
		again += fmt.Sprintf(" --devices %d", o.Devices)
	}
	line.clear()
	if !pace.seen.IsZero() { // else the run, if there is one, is an earlier training's
		live.draw()
	}
	if err == nil {
		env.printRun(results)
		if results.Status == runlog.StatusStopped {
			err = context.Canceled
		}
	}
	if _, missing := runlog.Open(dir); missing == nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(env.stdout, "stopped; go on with: %s\n", again)
	}
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, idml.ErrDiverged) && !pace.seen.IsZero() {
		return fmt.Errorf("%w; when that is mended, go on with: %s", err, again)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%d steps in %s; the run is in %s\n", results.Steps, time.Duration(results.Seconds*float64(time.Second)).Round(time.Second), dir)
	return nil
}
