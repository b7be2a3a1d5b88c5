// SPDX-License-Identifier: Apache-2.0

package nb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"introspection/datasets"
	"introspection/internal/sampletree"
)

// DataEnv is the environment variable that names the folder of the paper's datasets: the one that holds CUB_200_2011, cars196 and
// Stanford_Online_Products, or those of them that are at hand.
const DataEnv = "IDML_DATA"

// Photographs are the paper's datasets as they are at hand, or drawn ones in their layouts.
type Photographs struct {
	// Folder holds the datasets' folders.
	Folder string
	// Real is false if the images were drawn for want of photographs.
	Real bool
	// Names are those of the datasets that Folder has, of "cub", "cars" and "sop", in this order.
	Names []string
}

// names are the datasets of the paper's retrieval runs.
var names = []string{"cub", "cars", "sop"}

// drawnFolder holds the drawn trees, and the runs are in folders beside it, so that those on photographs, which take hours, are
// never taken for the small ones.
const drawnFolder = "runs/data"

// FindPhotographs returns the datasets in the folder that IDML_DATA names. If it is not set, they are [DrawnPhotographs]. It is an
// error if that folder has none of them.
func FindPhotographs() (Photographs, error) {
	folder := os.Getenv(DataEnv)
	if folder == "" {
		return DrawnPhotographs()
	}
	p := Photographs{Folder: folder, Real: true}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return p, fmt.Errorf("nb: %s is %s, which is not a folder", DataEnv, folder)
	}
	var wanted []string
	for _, name := range names {
		published, _ := datasets.PublishedByName(name)
		wanted = append(wanted, published.Folders[0])
		for _, spelling := range published.Folders {
			if _, err := os.Stat(filepath.Join(folder, spelling, published.Marker)); err == nil {
				p.Names = append(p.Names, name)
				break
			}
		}
	}
	if p.Names == nil {
		return p, fmt.Errorf("nb: %s is %s, which has none of %s: the README tells where they are obtained", DataEnv, folder, strings.Join(wanted, ", "))
	}
	return p, nil
}

// DrawnPhotographs returns small trees in the datasets' true layouts, below the working directory; it draws those that are not there
// yet.
func DrawnPhotographs() (Photographs, error) {
	p := Photographs{Folder: drawnFolder, Names: names}
	for i, name := range names {
		if err := drawTree(name, uint64(i)); err != nil {
			return p, fmt.Errorf("nb: drawing a small %s: %w", name, err)
		}
	}
	return p, nil
}

// drawTree draws a tree elsewhere and moves it to its place, so that one that is there is whole.
func drawTree(name string, seed uint64) error {
	published, _ := datasets.PublishedByName(name)
	place := filepath.Join(drawnFolder, published.Folders[0])
	if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(drawnFolder, 0o755); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(drawnFolder, ".draft-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(draft)
	o := sampletree.DefaultOptions()
	o.Seed = seed
	if err := sampletree.Write(draft, name, o); err != nil {
		return err
	}
	return os.Rename(filepath.Join(draft, published.Folders[0]), place)
}

// Runs is the folder for the runs on these images.
func (p Photographs) Runs() string {
	if p.Real {
		return "runs/paper"
	}
	return "runs/paper-drawn"
}

// String says which images they are, in a sentence or two.
func (p Photographs) String() string {
	var titles []string
	for _, name := range p.Names {
		titles = append(titles, Title(name))
	}
	list := strings.Join(titles, ", ")
	if p.Real {
		return fmt.Sprintf("The real data: %s in %s (%s is set).", list, p.Folder, DataEnv)
	}
	return fmt.Sprintf("NOT the real data: %s is not set. Small trees in the true layouts of %s, with drawn images, are in %s.", DataEnv, list, p.Folder)
}

// Title returns a dataset's name as papers have it.
func Title(name string) string {
	published, ok := datasets.PublishedByName(name)
	if !ok {
		return name
	}
	return published.Title
}

// Split reads a dataset.
func (p Photographs) Split(name string) (datasets.Split, error) {
	readers := map[string]func(fs.FS) (datasets.Split, error){"cub": datasets.CUB, "cars": datasets.Cars, "sop": datasets.SOP}
	reader, ok := readers[name]
	if !ok {
		return datasets.Split{}, fmt.Errorf("nb: %q is none of %v", name, names)
	}
	return reader(os.DirFS(p.Folder))
}

// Verdict says what comparing a run on these images with the published results is worth.
func (p Photographs) Verdict() string {
	if p.Real {
		return "Both are of the same images and settings. Compare the published row with the best epoch, which was chosen on the test classes in both cases, " +
			"and give the last epoch as the result. It is one run with one seed: differences of a few tenths of a percent say nothing."
	}
	return "The published rows can't be compared with the others here, which are of a few drawn images, far easier to tell apart than photographs, and of a tiny network. " +
		"They show where the paper's numbers will stand."
}
