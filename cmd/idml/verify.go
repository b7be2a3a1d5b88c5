// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"introspection/datasets"
	"introspection/internal/wholefile"
)

func verifyCommand() command {
	return command{
		name:    "verify",
		summary: "look through a dataset: what is missing, extra, unreadable or changed",
		usage:   "DATASET --data DIR [--json] [--manifest FILE | --write-manifest FILE]",
		help: `
DATASET is cub, cars, sop, cifar10, cifar100, imagenet, fashion or folder. DIR is the folder
that holds CUB_200_2011, cars196, Stanford_Online_Products, cifar-10-batches-bin or -py,
cifar-100-binary or -python, or imagenet-1k, or one of these itself; for fashion, the folder of
the four IDX files; for folder, one of class folders, as "idml train" takes it.

Verify counts images and classes, holds them against the published numbers, decodes every
image on all processors, and lists what is not in order; then its exit status is 1. Gray
images are listed too and are in order. A manifest has a SHA-256 sum of each file, as
sha256sum writes it, with paths in the dataset's folder.

Examples:
  $ idml verify cub --data ~/data
  $ idml verify sop --data ~/data --write-manifest sop.sha256
  $ idml verify sop --data ~/data --manifest sop.sha256
  $ idml verify folder --data ~/birds --json`,
		run: runVerify,
	}
}

func runVerify(ctx context.Context, env *environment, args []string) error {
	set := env.flags("verify")
	data := set.String("data", "", "look in this `folder`")
	asJSON := set.Bool("json", false, "print one JSON object with everything that was found")
	manifest := set.String("manifest", "", "hold the files against the sums in this `file`")
	write := set.String("write-manifest", "", "write the sums of the files that are in order into this `file`")
	if err := env.parse(set, args, 1); err != nil {
		return err
	}
	switch {
	case set.NArg() == 0:
		return usageError{`verify: name a dataset: see "idml help verify"`}
	case *data == "":
		return usageError{"verify: name the dataset's folder with --data DIR"}
	case *manifest != "" && *write != "":
		return usageError{"verify: --manifest and --write-manifest exclude each other"}
	}
	if info, err := os.Stat(*data); err != nil || !info.IsDir() {
		return fmt.Errorf("verify: --data is %s, which is not a folder", *data)
	}
	line := env.progress()
	o := datasets.VerifyOptions{Workers: runtime.GOMAXPROCS(0), Manifest: nil, Hash: *write != "", Progress: func(done, total int) {
		line.update(verifyText(done, total))
	}}
	var err error
	if *manifest != "" {
		if o.Manifest, err = readManifest(*manifest); err != nil {
			return err
		}
	}
	v, err := datasets.Verify(ctx, os.DirFS(*data), set.Arg(0), o)
	line.clear()
	if err != nil {
		return err
	}
	if *write != "" {
		if err := wholefile.Write(*write, true, v.Sums.Write); err != nil {
			return err
		}
	}
	if *asJSON {
		err = json.NewEncoder(env.stdout).Encode(v)
	} else {
		env.printVerification(v, *data, *write)
	}
	if fault := v.Err(); err == nil && fault != nil {
		err = fmt.Errorf("verify: %s is not in order: %w", v.Dataset, fault)
	}
	return err
}

// verifyText returns a line such as "[######------]  5,864 of 11,788 files".
func verifyText(done, total int) string {
	const cells = 30
	full := cells * done / max(total, 1)
	return fmt.Sprintf("[%s%s]  %d of %d files", strings.Repeat("#", full), strings.Repeat("-", cells-full), done, total)
}

// printVerification prints what was found: the counts, and the lists that are not empty.
func (env *environment) printVerification(v *datasets.Verification, data, manifest string) {
	fmt.Fprintf(env.stdout, "%s in %s\n", v.Dataset, filepath.Join(data, filepath.FromSlash(v.Folder)))
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\timages\tclasses\t\n")
	for _, half := range []struct {
		name string
		datasets.Half
	}{{"training", v.Train}, {"test", v.Test}} {
		images, classes := fmt.Sprint(half.Images), fmt.Sprint(half.Classes)
		if p := half.Published; p != nil {
			images, classes = fmt.Sprintf("%s of %d", images, p.Images), fmt.Sprintf("%s of %d", classes, p.Classes)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t\n", half.name, images, classes)
	}
	w.Flush()
	var unreadable []string
	for _, f := range v.Unreadable {
		unreadable = append(unreadable, f.Path+": "+f.Err)
	}
	env.printFiles("missing", v.Missing)
	env.printFiles("class folders without images", v.Empty)
	env.printFiles("extra, not of the dataset", v.Extra)
	env.printFiles("unreadable", unreadable)
	env.printFiles("changed: the sum differs from the manifest's", v.Changed)
	env.printFiles("not in the manifest", v.Unlisted)
	env.printFiles("gray, which is in order", v.Gray)
	if manifest != "" {
		fmt.Fprintf(env.stdout, "wrote the sums of %d files: %s\n", len(v.Sums), manifest)
	}
	if v.Err() == nil {
		fmt.Fprintln(env.stdout, "all in order")
	}
}

// printFiles prints a list under its heading, if it is not empty, and not more than a screen can show of it.
func (env *environment) printFiles(heading string, files []string) {
	const most = 20
	if len(files) == 0 {
		return
	}
	fmt.Fprintf(env.stdout, "%s: %d\n", heading, len(files))
	for _, file := range files[:min(len(files), most)] {
		fmt.Fprintf(env.stdout, "  %s\n", strings.ToValidUTF8(file, "\ufffd"))
	}
	if n := len(files) - most; n > 0 {
		fmt.Fprintf(env.stdout, "  and %d more, which --json lists\n", n)
	}
}

func readManifest(file string) (datasets.Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return datasets.ReadManifest(f, file)
}
