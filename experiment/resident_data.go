// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"introspection/datasets"
	"introspection/idml"
)

// mostSplits is how many datasets a Resident keeps. Ours, as mostNetworks.
const mostSplits = 2

// A keptSplit is a dataset that was opened, and what it was opened from.
type keptSplit struct {
	key   string
	split datasets.Split
}

// openSplit opens the images of a configuration, or returns them as they were opened before. A nil Resident opens them anew.
func (r *Resident) openSplit(cfg idml.Config) (datasets.Split, error) {
	if r == nil {
		return openSplit(cfg)
	}
	key, ok := splitKey(cfg)
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.splits, func(k keptSplit) bool { return k.key == key })
	if ok && i >= 0 {
		kept := r.splits[i]
		r.splits = append(slices.Delete(r.splits, i, i+1), kept)
		return kept.split, nil
	}
	split, err := openSplit(cfg)
	if err != nil {
		return split, err
	}
	r.counts.Datasets++
	if ok {
		r.splits = append(r.splits, keptSplit{key, split})
		if len(r.splits) > mostSplits {
			r.splits = slices.Delete(r.splits, 0, len(r.splits)-mostSplits)
		}
	}
	return split, nil
}

// splitKey returns a text that is the same for the same dataset. It is false for one that can't be told to be the same more cheaply than by opening it: class
// folders, and what lies in very many files.
func splitKey(cfg idml.Config) (string, bool) {
	key := fmt.Sprintf("%s %s %d %q\n", cfg.Task, cfg.Data.Name, cfg.Data.ImageSize, cfg.Data.Folder)
	if cfg.Data.Folder == "" {
		return key, true
	}
	if cfg.Data.Name == "folder" || cfg.Data.Name == "imagenet" {
		return "", false
	}
	signature, err := signatureOf(cfg.Data.Folder, mostEntries)
	return key + signature, err == nil
}

// How deep the files lie that describe a dataset below the folder that is named, and how many files and folders are looked at for them. Ours: SOP has 120 053 images.
const (
	signatureDepth = 3
	mostEntries    = 200000
)

// signatureOf returns paths, times and sizes of the files and folders down to signatureDepth, but of pictures, which are read anew each time: their folders' times tell
// of those that came or went. It is an error if there are more than most, pictures among them.
func signatureOf(folder string, most int) (string, error) {
	var b strings.Builder
	entries := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entries++; entries > most {
			return fmt.Errorf("%s has more than %d files and folders", folder, most)
		}
		if !d.IsDir() && isPicture(path) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q %d %d\n", path, info.ModTime().UnixNano(), info.Size())
		relative, err := filepath.Rel(folder, path)
		if err == nil && d.IsDir() && strings.Count(relative, string(os.PathSeparator)) >= signatureDepth-1 {
			return filepath.SkipDir
		}
		return err
	})
	return b.String(), err
}

// isPicture tells by its name whether a file is an image of a dataset.
func isPicture(path string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png"}, strings.ToLower(filepath.Ext(path)))
}
