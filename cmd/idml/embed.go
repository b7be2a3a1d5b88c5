// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"introspection/datasets"
	"introspection/experiment"
	"introspection/internal/wholefile"
)

func embedCommand() command {
	return command{
		name:    "embed",
		summary: "embed images by a run's model, to search in or to measure",
		usage:   "--run RUN --out FILE (--data FOLDER | --split test|train)",
		help: `
Embed writes the semantic and uncertainty embeddings of images into FILE, in the safetensors
format. The images are the JPEG and PNG files anywhere below FOLDER, or the run's own. RUN is a
run folder, whose newest checkpoint is taken, or a checkpoint in one.

FILE holds the tensors "embeddings" [n, d] and "uncertainties" [n, d], float32, and, unless an
image lies in FOLDER itself, "labels" [n] int32: the class is the folder that holds the image. Its
metadata are texts: "paths" and "classes", both JSON lists, "source", "run", "epoch", "step", and
"model", a hash of the network. "idml search" and "idml eval --embeddings" read it. A FILE that
is there already is replaced.

Examples:
  $ idml embed --run runs/birds --data ~/photos --out photos.safetensors
  $ idml embed --run runs/glyphs/best.safetensors --split test --out letters.safetensors`,
		run: runEmbed,
	}
}

func runEmbed(ctx context.Context, env *environment, args []string) error {
	set := env.flags("embed")
	run := set.String("run", "", "embed by the model of the `run`, a folder or a checkpoint in one")
	out := set.String("out", "", "write the embeddings into this `file`")
	var o experiment.EmbedOptions
	set.StringVar(&o.Folder, "data", "", "embed the images below this `folder`")
	set.StringVar(&o.Split, "split", "", "embed the run's own images: `test or train`")
	bad := set.String("on-bad-image", "stop", "stop or skip: what to do about an `image` that can't be decoded")
	if err := env.parse(set, args, 0); err != nil {
		return err
	}
	o.OnBadImage = datasets.BadImagePolicy(*bad)
	switch {
	case *run == "":
		return usageError{"embed: no model: name a run with --run RUN"}
	case *out == "":
		return usageError{"embed: no file to write: name one with --out FILE"}
	case (o.Folder == "") == (o.Split == ""):
		return usageError{"embed: name the images: either --data FOLDER or --split test|train"}
	case o.Split != "" && o.Split != "test" && o.Split != "train":
		return usageError{fmt.Sprintf("embed: --split %q: want test or train", o.Split)}
	case o.OnBadImage.Check() != nil:
		return usageError{fmt.Sprintf("embed: --on-bad-image %q: want stop or skip", *bad)}
	}
	b, done, err := env.openBackend()
	if err != nil {
		return err
	}
	defer done()
	line := env.progress()
	o.Progress = func(done, total int) {
		line.updateShare(fmt.Sprintf("embedded %d of %d images", done, total), float64(done)/float64(total))
	}
	var x *experiment.Index
	err = wholefile.Write(*out, true, func(w io.Writer) (err error) {
		x, err = experiment.Embed(ctx, b, *run, o, experiment.Options{Resident: env.resident, Warn: func(text string) {
			line.clear()
			env.warn(text)
		}})
		line.clear()
		if err != nil {
			return err
		}
		return x.Write(w)
	})
	if err != nil {
		return err
	}
	known := "no classes"
	if x.Labels != nil {
		known = fmt.Sprintf("%d classes", len(x.Classes))
	}
	fmt.Fprintf(env.stdout, "%d images, %s, %d dimensions: %s\n", len(x.Paths), known, x.Semantic.Cols, *out)
	return nil
}
